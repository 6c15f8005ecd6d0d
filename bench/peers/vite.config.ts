import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { defaultClientConditions, defineConfig } from 'vite';
import { ortFiles } from '../../scripts/ort-files.ts';

const root = new URL('../..', import.meta.url).pathname;
const wasmFolder = join(
  dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json')),
  'wasm-out',
);

/** Cross-origin isolated, as threads need; no other policy, because tfjs starts its threads from scripts in blobs. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

export default defineConfig({
  root,
  cacheDir: 'node_modules/.vite-bench',
  plugins: [
    ortFiles(),
    {
      name: 'tfjs-wasm-files',
      configureServer(server) {
        server.middlewares.use('/tfjs', (request, response) => {
          for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
          const name = basename(request.url ?? '');
          response.setHeader('Content-Type', name.endsWith('.wasm') ? 'application/wasm' : 'text/javascript');
          createReadStream(join(wasmFolder, name))
            .on('error', () => response.writeHead(404).end())
            .pipe(response);
        });
      },
    },
  ],
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  optimizeDeps: {
    exclude: ['onnxruntime-web'],
    include: [
      'comlink',
      '@jax-js/jax',
      '@tensorflow/tfjs-core',
      '@tensorflow/tfjs-core/dist/register_all_gradients',
      '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops',
      '@tensorflow/tfjs-backend-webgpu',
      '@tensorflow/tfjs-backend-wasm',
    ],
    // Nothing is looked for, and so nothing found in the middle of a measurement.
    noDiscovery: true,
  },
  worker: { format: 'es' },
  server: { host: '127.0.0.1', headers, hmr: false, watch: null },
});

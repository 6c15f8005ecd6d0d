import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Plugin } from 'vite';

const files = {
  'ort-wasm-simd-threaded.asyncify.mjs': 'text/javascript',
  'ort-wasm-simd-threaded.asyncify.wasm': 'application/wasm',
} as const;

const resolve = createRequire(import.meta.url).resolve;

/**
 * Serves the one pair of ONNX Runtime files that the app uses under `ort/`, in development and in the build.
 * Left to itself the bundler would inline the loader, whose threads then start the app's own worker again.
 */
export function ortFiles(): Plugin {
  return {
    name: 'acuity-ort-files',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const name = request.url?.split('?')[0]?.replace(/^\/ort\//, '') ?? '';
        if (!Object.hasOwn(files, name)) return next();
        // The library starts its threads from the loader itself: a worker script without COEP would never load.
        for (const [header, value] of Object.entries(server.config.server.headers ?? {})) {
          if (value !== undefined) response.setHeader(header, value);
        }
        response.setHeader('Content-Type', files[name as keyof typeof files]);
        createReadStream(resolve(`onnxruntime-web/${name}`)).pipe(response);
      });
    },
    async generateBundle() {
      // Workers are bundled by builds of their own; the files belong to the page's build alone.
      if (this.environment.config.build.ssr) return;
      for (const name of Object.keys(files)) {
        this.emitFile({
          type: 'asset',
          fileName: `ort/${name}`,
          source: await readFile(resolve(`onnxruntime-web/${name}`)),
        });
      }
    },
  };
}

import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';
import { developmentNonce, responseHeaders } from './scripts/headers.ts';
import { ortFiles } from './scripts/ort-files.ts';

export default defineConfig(({ command }) => ({
  base: './',
  plugins: [react(), ortFiles()],
  ...(command === 'serve' ? { html: { cspNonce: developmentNonce } } : {}),
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  // Workers are named as entries because the scan of a page does not follow them: a package found only once they
  // run would be bundled then, and the worker's own import of it fail for good.
  optimizeDeps: {
    entries: ['index.html', 'workers/*.worker.ts', 'src/**/*.worker.ts'],
    exclude: ['onnxruntime-web'],
  },
  worker: { format: 'es' },
  build: { target: 'es2023', sourcemap: false, chunkSizeWarningLimit: 1500 },
  server: { host: '127.0.0.1', port: 5173, headers: responseHeaders(true) },
  preview: { host: '127.0.0.1', port: 4173, headers: responseHeaders() },
}));

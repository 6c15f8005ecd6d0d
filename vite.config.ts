import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';
import { developmentNonce, responseHeaders } from './scripts/headers.ts';
import { ortFiles } from './scripts/ort-files.ts';

export default defineConfig(({ command }) => ({
  base: './',
  plugins: [react(), ortFiles()],
  ...(command === 'serve' ? { html: { cspNonce: developmentNonce } } : {}),
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  worker: { format: 'es' },
  build: { target: 'es2023', sourcemap: false, chunkSizeWarningLimit: 1500 },
  server: { host: '127.0.0.1', port: 5173, headers: responseHeaders(true) },
  preview: { host: '127.0.0.1', port: 4173, headers: responseHeaders() },
}));

import { defineConfig, mergeConfig } from 'vite';
import app from '../../vite.config.ts';

/** Serves the test pages (and, through `/src/...`, any module of the app) with the built app's isolation headers. */
export default defineConfig((env) =>
  mergeConfig(typeof app === 'function' ? app(env) : app, {
    root: new URL('../..', import.meta.url).pathname,
    cacheDir: 'node_modules/.vite-e2e',
    optimizeDeps: { entries: ['e2e/pages/*.html', 'e2e/pages/*.worker.ts'] },
    server: { hmr: false, watch: null },
  }),
);

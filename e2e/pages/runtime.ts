import { wrap } from 'comlink';
import type { RuntimeChecks } from './runtime.worker.ts';

declare global {
  interface Window {
    /** What `e2e/runtime.spec.ts` calls. */
    runtime: import('comlink').Remote<RuntimeChecks>;
  }
}

// A worker, as in the app: buffers and sessions never cross its border.
const worker = new Worker(new URL('./runtime.worker.ts', import.meta.url), { type: 'module' });
window.runtime = wrap<RuntimeChecks>(worker);

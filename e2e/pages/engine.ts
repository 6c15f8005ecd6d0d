/** The engine worker alone, for tests that speak to it without the page's rooms. */
import { connectWorker } from '../../src/features/shared/engine-worker.ts';
import type { Engine } from '../../workers/protocol.ts';

declare global {
  interface Window {
    engine: Engine;
  }
}

window.engine = connectWorker();

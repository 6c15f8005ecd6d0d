import { releaseProxy, wrap } from 'comlink';
import type { ImageJobs } from '../src/data/image-jobs.ts';
import { ImagePool, type PooledWorker } from '../src/data/image-pool.ts';

/**
 * A pool of image workers.
 *
 * @param size workers at most; by default one core is left to the rest of the app.
 */
export function createImagePool(
  size = Math.max(1, Math.min(8, navigator.hardwareConcurrency - 1)),
): ImagePool {
  return new ImagePool(startImageWorker, { size });
}

function startImageWorker(): PooledWorker {
  const worker = new Worker(new URL('./images.worker.ts', import.meta.url), {
    type: 'module',
    name: 'images',
  });
  const remote = wrap<ImageJobs>(worker);
  return {
    jobs: {
      examine: (...job) => remote.examine(...job),
      fingerprint: (...job) => remote.fingerprint(...job),
      prepare: (...job) => remote.prepare(...job),
      crop: (...job) => remote.crop(...job),
    },
    failed: new Promise((resolve) => {
      worker.addEventListener('error', (event) => {
        resolve(new Error(`An image worker failed${event.message ? `: ${event.message}` : ''}`));
      });
      worker.addEventListener('messageerror', () =>
        resolve(new Error('An image worker sent unreadable data')),
      );
    }),
    terminate() {
      remote[releaseProxy]();
      worker.terminate();
    },
  };
}

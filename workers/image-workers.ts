import { releaseProxy, wrap } from 'comlink';
import type { FileContent } from '../src/data/file-content.ts';
import type { ImageJobs, JobResult } from '../src/data/image-jobs.ts';
import { ImagePool, type PooledWorker } from '../src/data/image-pool.ts';

/** What image workers do in a browser. */
export interface BrowserImageJobs extends ImageJobs {
  /** A small square JPEG for showing an image, as a data URL; `edge` in pixels. */
  thumbnail(blob: FileContent, edge: number): Promise<JobResult<string>>;
}

/**
 * A pool of image workers.
 *
 * @param size workers at most; by default one core is left to the rest of the app.
 */
export function createImagePool(
  size = Math.max(1, Math.min(8, navigator.hardwareConcurrency - 1)),
): ImagePool<BrowserImageJobs> {
  return new ImagePool(startImageWorker, { size });
}

function startImageWorker(): PooledWorker<BrowserImageJobs> {
  const worker = new Worker(new URL('./images.worker.ts', import.meta.url), {
    type: 'module',
    name: 'images',
  });
  const remote = wrap<BrowserImageJobs>(worker);
  return {
    jobs: {
      examine: (...job) => remote.examine(...job),
      fingerprint: (...job) => remote.fingerprint(...job),
      prepare: (...job) => remote.prepare(...job),
      crop: (...job) => remote.crop(...job),
      thumbnail: (...job) => remote.thumbnail(...job),
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

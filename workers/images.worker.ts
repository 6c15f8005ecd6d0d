/** Image worker: decodes, resizes and crops, several at once in a pool. */
import { expose, transfer } from 'comlink';
import { browserDecoder } from '../src/data/browser-decoder.ts';
import { browserThumbnail } from '../src/data/browser-thumbnail.ts';
import { attempt, createImageJobs, type JobResult, largePixels } from '../src/data/image-jobs.ts';
import type { BrowserImageJobs } from './image-workers.ts';

const alone = async <T>(work: () => Promise<T>): Promise<T> =>
  navigator.locks.request('acuity-large-image', work);
const jobs = createImageJobs(browserDecoder, alone);

/** Pixels are handed over, not copied. */
function moved<T>(result: JobResult<T>, buffersOf: (value: T) => ArrayBufferLike[]): JobResult<T> {
  const buffers = result.ok ? buffersOf(result.value) : [];
  return transfer(
    result,
    [...new Set(buffers)].filter((buffer) => buffer instanceof ArrayBuffer),
  );
}

const handed: BrowserImageJobs = {
  examine: jobs.examine,
  fingerprint: jobs.fingerprint,
  prepare: async (...job) => moved(await jobs.prepare(...job), ({ data }) => [data.buffer]),
  crop: async (...job) =>
    moved(await jobs.crop(...job), ({ teacher, encoder }) => [teacher.buffer, encoder.buffer]),
  thumbnail: (blob, edge) => attempt(() => browserThumbnail(blob, edge, largePixels, alone)),
};

expose(handed);

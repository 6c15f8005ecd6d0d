/** Image worker: decodes, resizes and crops, several at once in a pool. */
import { expose, transfer } from 'comlink';
import { browserDecoder } from '../src/data/browser-decoder.ts';
import { createImageJobs, type ImageJobs, type JobResult } from '../src/data/image-jobs.ts';

const jobs = createImageJobs(browserDecoder, async (work) =>
  navigator.locks.request('acuity-large-image', work),
);

/** Pixels are handed over, not copied. */
function moved<T>(result: JobResult<T>, buffersOf: (value: T) => ArrayBufferLike[]): JobResult<T> {
  const buffers = result.ok ? buffersOf(result.value) : [];
  return transfer(
    result,
    [...new Set(buffers)].filter((buffer) => buffer instanceof ArrayBuffer),
  );
}

const handed: ImageJobs = {
  examine: jobs.examine,
  fingerprint: jobs.fingerprint,
  prepare: async (...job) => moved(await jobs.prepare(...job), ({ data }) => [data.buffer]),
  crop: async (...job) =>
    moved(await jobs.crop(...job), ({ teacher, encoder }) => [teacher.buffer, encoder.buffer]),
};

expose(handed);

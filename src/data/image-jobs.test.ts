import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { RawDecoder } from './decode.ts';
import { createImageJobs } from './image-jobs.ts';
import { preprocess, readPreprocessing } from './preprocess.ts';
import { bytesOf, imageFiles } from './testing/image-files.ts';
import { trainingCrop } from './training-crop.ts';

const file = imageFiles.good.find(({ name }) => name === 'colour.jpg')!;
const blob = new Blob([bytesOf(file.file)]);
const decoder: RawDecoder = async (_, { width, height }) => ({ width, height, data: bytesOf(file.rgba) });
const image = {
  width: file.width,
  height: file.height,
  data: bytesOf(file.rgba).filter((_, i) => i % 4 !== 3),
};

describe('createImageJobs', () => {
  const jobs = createImageJobs(decoder);

  it('examines a file: hash of its contents, size', async () => {
    const sha256 = createHash('sha256').update(bytesOf(file.file)).digest('hex');
    expect(await jobs.examine(blob)).toEqual({ ok: true, value: { sha256, width: 20, height: 13 } });
  });

  it('prepares and crops as the functions it is made of', async () => {
    const recipe = readPreprocessing({ size: { shortest_edge: 8 }, crop_size: 8 });
    expect(await jobs.prepare(blob, 'photo', recipe)).toEqual({ ok: true, value: preprocess(image, recipe) });
    const job = { scale: 1, uniforms: new Float32Array(22), teacherSize: 8, encoderSize: 6 };
    const box = { left: 3, top: 0, width: 13, height: 13 };
    expect(await jobs.crop(blob, 'photo', job)).toEqual({ ok: true, value: trainingCrop(image, box, 8, 6) });
  });

  it('gives reasons for files and throws for faults of its own', async () => {
    expect(await jobs.examine(new Blob([]))).toEqual({ ok: false, reason: 'The file is empty' });
    const gone = new Blob(['x']);
    gone.arrayBuffer = () => Promise.reject(new DOMException('', 'NotReadableError'));
    expect(await jobs.examine(gone)).toEqual({
      ok: false,
      reason: expect.stringMatching(/can no longer be read/),
    });
    const job = { scale: 0.9, uniforms: [], teacherSize: 8, encoderSize: 6 };
    await expect(jobs.crop(blob, 'photo', job)).rejects.toThrow(/uniform numbers/);
  });
});

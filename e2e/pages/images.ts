import { browserDecoder } from '../../src/data/browser-decoder.ts';
import { decodeImage } from '../../src/data/decode.ts';
import { ImageFileError } from '../../src/data/image-file.ts';
import type { JobResult } from '../../src/data/image-jobs.ts';
import type { NamedBlob } from '../../src/data/named-blob.ts';
import { filesFromDrop, filesFromInput } from '../../src/data/sources.ts';
import { createImagePool } from '../../workers/image-workers.ts';
import './images-protocol.ts';

const pool = createImagePool(2);
const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
const blobOf = (base64: string) => new Blob([bytesOf(base64)]);
const list = (files: NamedBlob[]): [string, number][] => files.map(({ path, blob }) => [path, blob.size]);

function base64(view: ArrayBufferView): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

const change = <T, U>(result: JobResult<T>, to: (value: T) => U): JobResult<U> =>
  result.ok ? { ok: true, value: to(result.value) } : result;

let drop: Promise<NamedBlob[]> = Promise.resolve([]);
const zone = document.querySelector('#drop')!;
zone.addEventListener('dragover', (event) => event.preventDefault());
zone.addEventListener('drop', (event) => {
  event.preventDefault();
  if (event instanceof DragEvent && event.dataTransfer) drop = filesFromDrop(event.dataTransfer);
});

window.images = {
  async decode(file, mode) {
    try {
      const { width, height, data } = await decodeImage(bytesOf(file), mode, browserDecoder);
      return { ok: true, value: { width, height, rgb: base64(data) } };
    } catch (error) {
      if (error instanceof ImageFileError) return { ok: false, reason: error.message };
      throw error;
    }
  },
  examine: (file) => pool.run((jobs) => jobs.examine(blobOf(file))),
  prepare: async (file, mode, preprocessing) =>
    change(await pool.run((jobs) => jobs.prepare(blobOf(file), mode, preprocessing)), ({ data }) =>
      base64(data),
    ),
  crop: async (file, mode, job) =>
    change(await pool.run((jobs) => jobs.crop(blobOf(file), mode, job)), ({ teacher, encoder }) => ({
      teacher: base64(teacher),
      encoder: base64(encoder),
    })),
  dropped: async () => list(await drop),
  picked: () => list(filesFromInput(document.querySelector<HTMLInputElement>('#folder')?.files ?? [])),
};

import { Zip, ZipPassThrough } from 'fflate';
import type { ExportedFile } from '../../../workers/protocol.ts';
import { baseName } from './format.ts';

/** Gives `blob` to the person as a download named `name`. */
export function saveBlob(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  // The browser has taken the URL once the click is handled; large blobs may be read a little later.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A title as the beginning of a file's name: "Run 4, step 60" as "run-4-step-60". */
export function fileName(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}

/** Downloads one exported file under the last part of its path. */
export function saveFile(file: ExportedFile): void {
  saveBlob(baseName(file.path), file.blob);
}

/** Downloads all files as one uncompressed archive (weights do not compress), keeping their paths. */
export async function saveArchive(name: string, files: readonly ExportedFile[]): Promise<void> {
  saveBlob(name, await archive(files));
}

async function archive(files: readonly ExportedFile[]): Promise<Blob> {
  const parts: BlobPart[] = [];
  let failure: Error | undefined;
  const zip = new Zip((error, chunk) => {
    if (error) failure = error;
    else parts.push(chunk.slice());
  });
  for (const file of files) {
    const entry = new ZipPassThrough(file.path);
    zip.add(entry);
    const reader = file.blob.stream().getReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) entry.push(read.value);
    entry.push(new Uint8Array(), true);
  }
  zip.end();
  if (failure) throw failure;
  return new Blob(parts, { type: 'application/zip' });
}

import type { Spill } from './archives.ts';

const folderName = 'unpacked';
/** Older files come from earlier visits; younger ones may be in use by another tab. */
const sweepAge = 24 * 60 * 60 * 1000;

/**
 * Unpacks to a temporary file of the browser's private file system, which a later visit removes; to a blob where there
 * is none, which browsers keep on disk once it is large.
 */
export const browserSpill: Spill = async (stream) => {
  const root = await navigator.storage?.getDirectory?.().catch(() => undefined);
  if (!root) return new Response(stream).blob();
  const folder = await root.getDirectoryHandle(folderName, { create: true });
  await sweep(folder);
  const name = `${Date.now().toString(36)}-${crypto.randomUUID()}`;
  const file = await folder.getFileHandle(name, { create: true });
  try {
    await stream.pipeTo(await file.createWritable());
  } catch (error) {
    await folder.removeEntry(name).catch(() => undefined);
    throw error;
  }
  return file.getFile();
};

async function sweep(folder: FileSystemDirectoryHandle): Promise<void> {
  for await (const name of folder.keys()) {
    const written = Number.parseInt(name.split('-')[0] ?? '', 36);
    // One that another tab holds stays for another time.
    if (Date.now() - written > sweepAge) await folder.removeEntry(name).catch(() => undefined);
  }
}

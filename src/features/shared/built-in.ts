import { unzipSync } from 'fflate';
import type { NamedBlob } from '../../../workers/protocol.ts';

/**
 * What ships with the app beside the models: a set of scenes to refine on, a benchmark in MMVP's layout, and two sets
 * that neither shows anything of: a folder of pictures for each kind of thing, and scenes with captions.
 */
export type BuiltIn = 'images' | 'benchmark' | 'classes' | 'captions';

const names: Record<BuiltIn, string> = {
  images: 'Demo scenes',
  benchmark: 'Demo benchmark',
  classes: 'Demo classes',
  captions: 'Demo captions',
};

/** Media types of the files inside, so that they can be shown as images. */
const types: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  csv: 'text/csv',
};

/** Fetches and unpacks a built-in archive. Throws an `Error` that names the file when it is not there. */
export async function fetchBuiltIn(kind: BuiltIn): Promise<{ name: string; files: NamedBlob[] }> {
  const path = `demo/${kind}.zip`;
  const response = await fetch(new URL(path, document.baseURI)).catch(() => null);
  if (!response?.ok) {
    const why = response ? `the server answered ${response.status}` : 'the server did not answer';
    throw new Error(
      `${path} could not be fetched: ${why}. Check that the app is served whole, then try again.`,
    );
  }
  const entries = unpack(path, new Uint8Array(await response.arrayBuffer()));
  const files = Object.entries(entries)
    .filter(([name]) => !name.endsWith('/'))
    .map(([name, bytes]) => ({ path: name, blob: new Blob([bytes.slice()], { type: typeOf(name) }) }));
  return { name: names[kind], files };
}

function unpack(path: string, archive: Uint8Array) {
  try {
    return unzipSync(archive);
  } catch {
    throw new Error(`${path} is not an archive. Check that the app is served whole, then try again.`);
  }
}

function typeOf(name: string): string {
  return types[name.slice(name.lastIndexOf('.') + 1).toLowerCase()] ?? 'application/octet-stream';
}

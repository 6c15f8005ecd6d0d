import { unzipSync } from 'fflate';
import type { NamedBlob } from '../../../workers/protocol.ts';
import { parseCsv } from '../../formats/csv.ts';

/** What ships with the app beside the models: a set of scenes to refine on, and a benchmark in MMVP's layout. */
export type BuiltIn = 'images' | 'benchmark';

const names: Record<BuiltIn, string> = { images: 'Demo scenes', benchmark: 'Demo benchmark' };

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

/**
 * A set to evaluate on, made of what ships with the app: the scenes in one folder for each thing that they show, or the
 * benchmark's images with their statements as captions.
 */
export async function fetchBuiltInEvaluation(
  task: 'classes' | 'captions',
): Promise<{ name: string; files: NamedBlob[] }> {
  if (task === 'classes') {
    const { files } = await fetchBuiltIn('images');
    // Files are named after what they show: animals/cow-132.webp.
    const named = files.flatMap((file) => {
      const kind = /([^/]+)-\d+\.\w+$/.exec(file.path)?.[1];
      return kind ? [{ ...file, path: `${kind}/${file.path.replaceAll('/', '-')}` }] : [];
    });
    return { name: 'Demo classes', files: named };
  }
  const { files } = await fetchBuiltIn('benchmark');
  const questions = files.find(({ path }) => path === 'Questions.csv');
  const rows = parseCsv((await questions?.blob.text()) ?? '').slice(1);
  const byId = new Map(files.map(({ path }) => [/(\d+)\.\w+$/.exec(path)?.[1], path]));
  const lines = rows.map(({ fields: [id = '', , statement = ''] }) =>
    JSON.stringify({ image: byId.get(id.trim()), caption: statement }),
  );
  return {
    name: 'Demo captions',
    files: [...files, { path: 'captions.jsonl', blob: new Blob([`${lines.join('\n')}\n`]) }],
  };
}

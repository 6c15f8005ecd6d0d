import { sha256 } from '../data/hash.ts';
import type { ModelFolder } from './folder.ts';

/** Files up to this many bytes are hashed whole. */
const wholeHashBytes = 64 * 2 ** 20;

/** Names a model by its contents: paths, sizes and bytes; of large files the first and the last megabytes. */
export async function folderIdentity(folder: ModelFolder): Promise<string> {
  const lines: string[] = [];
  for (const [path, source] of [...folder.files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const end = Math.min(source.size, wholeHashBytes / 2);
    const hashes = [await sha256(await source.read(0, end))];
    if (source.size > end) {
      const rest = Math.min(source.size - end, wholeHashBytes / 2);
      hashes.push(await sha256(await source.read(source.size - rest, rest)));
    }
    lines.push(`${path} ${source.size} ${hashes.join(' ')}`);
  }
  return (await sha256(new TextEncoder().encode(lines.join('\n')))).slice(0, 16);
}

import type { NamedBlob } from '../../../workers/protocol.ts';

/** The folder that all files share, or the only file's name: what to call them. */
export function nameOfFiles(files: readonly NamedBlob[], otherwise: string): string {
  const [first] = files;
  if (!first) return otherwise;
  const slash = first.path.indexOf('/');
  if (slash < 0) return files.length === 1 ? first.path : otherwise;
  const folder = first.path.slice(0, slash + 1);
  return files.every((file) => file.path.startsWith(folder)) ? folder.slice(0, -1) : otherwise;
}

import type { FileContent } from './file-content.ts';

/** A file that was found, plain or inside an archive; or why one cannot be used. */
export type FoundFile<Content = FileContent> =
  | { path: string; blob: Content }
  | { path: string; refused: string };

/** An archive that cannot be read at all; the message says why, and what to do. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
}

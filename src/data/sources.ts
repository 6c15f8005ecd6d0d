import type { NamedBlob } from './named-blob.ts';

/** Options of the walks through folders. */
export interface WalkOptions {
  /** Called with the number of files found so far. */
  onFound?: (count: number) => void;
  signal?: AbortSignal;
}

/**
 * All files of a drop, folders with everything under them, in natural order. Call it within the drop event: the
 * browser empties the transfer afterwards.
 */
export function filesFromDrop(transfer: DataTransfer, options: WalkOptions = {}): Promise<NamedBlob[]> {
  // Every item has to be asked before the first pause.
  const roots = [...transfer.items]
    .filter((item) => item.kind === 'file')
    .map((item) => {
      const entry = item.webkitGetAsEntry?.() ?? null;
      if (entry) return { entry };
      const handle = handleOf(item);
      return handle ? { handle } : { file: item.getAsFile() };
    });
  return collect(options, async (walk) => {
    for (const root of roots) {
      if ('entry' in root) await walk.entry(root.entry, '');
      else if ('handle' in root) await walk.handle(await root.handle, '');
      else if (root.file) walk.add(root.file.name, root.file);
    }
  });
}

/** The files of an `<input type="file">`, with `webkitdirectory` or without, in natural order. */
export function filesFromInput(files: Iterable<File>): NamedBlob[] {
  return sortNaturally(
    [...files].map((file) => ({ path: file.webkitRelativePath || file.name, blob: file })).filter(isContent),
  );
}

/** All files under a picked directory, in natural order; paths begin with its name. */
export function filesFromDirectory(
  directory: FileSystemDirectoryHandle,
  options: WalkOptions = {},
): Promise<NamedBlob[]> {
  return collect(options, (walk) => walk.handle(directory, ''));
}

/** Sorts by path as people count: a2 before a10, a folder's files together. */
export function sortNaturally<T extends { path: string }>(files: readonly T[]): T[] {
  return files
    .map((file) => ({ file, parts: file.path.split('/') }))
    .sort((a, b) => compareParts(a.parts, b.parts))
    .map(({ file }) => file);
}

const collator = new Intl.Collator('en', { numeric: true });

function compareParts(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = collator.compare(a[i]!, b[i]!);
    if (order !== 0) return order;
    // Names that only differ in ways the collator ignores still need one order.
    if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  }
  return a.length - b.length;
}

/** What file managers and archivers leave behind is no content. */
export function isContent({ path }: { path: string }): boolean {
  return (
    path.split('/').every((part) => !part.startsWith('.') && part !== '__MACOSX') && !systemFiles.test(path)
  );
}
const systemFiles = /(^|\/)(thumbs\.db|desktop\.ini)$/i;

interface Walk {
  add(path: string, file: Blob): void;
  entry(entry: FileSystemEntry, parent: string): Promise<void>;
  handle(handle: FileSystemHandle | null, parent: string): Promise<void>;
}

async function collect(options: WalkOptions, start: (walk: Walk) => Promise<void>): Promise<NamedBlob[]> {
  const found: NamedBlob[] = [];
  const walk: Walk = {
    add(path, blob) {
      options.signal?.throwIfAborted();
      if (!isContent({ path })) return;
      found.push({ path, blob });
      options.onFound?.(found.length);
    },
    async entry(entry, parent) {
      const path = `${parent}${entry.name}`;
      if (isFileEntry(entry)) {
        walk.add(path, await new Promise<File>((resolve, reject) => entry.file(resolve, reject)));
      } else if (isDirectoryEntry(entry)) {
        const children = await readDirectory(entry);
        for (let at = 0; at < children.length; at += atOnce) {
          await Promise.all(children.slice(at, at + atOnce).map((child) => walk.entry(child, `${path}/`)));
        }
      }
    },
    async handle(handle, parent) {
      if (!handle) return;
      const path = `${parent}${handle.name}`;
      if (isFileHandle(handle)) {
        walk.add(path, await handle.getFile());
      } else if (isDirectoryHandle(handle)) {
        const some: Promise<void>[] = [];
        for await (const child of handle.values()) {
          some.push(walk.handle(child, `${path}/`));
          if (some.length === atOnce) await Promise.all(some.splice(0));
        }
        await Promise.all(some);
      }
    },
  };
  await start(walk);
  return sortNaturally(found);
}

/** Files asked for together: each is a message to another process, whose answers one need not await in turn. */
const atOnce = 64;

/** A directory's entries; the browser hands them over in portions. */
async function readDirectory(directory: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = directory.createReader();
  const entries: FileSystemEntry[] = [];
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (portion.length === 0) return entries;
    entries.push(...portion);
  }
}

/** `getAsFileSystemHandle` is not everywhere, nor in TypeScript's own library. */
function handleOf(item: DataTransferItem): Promise<FileSystemHandle | null> | undefined {
  const get: unknown = Reflect.get(item, 'getAsFileSystemHandle');
  return typeof get === 'function' ? get.call(item) : undefined;
}

const isFileEntry = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const isDirectoryEntry = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;
const isFileHandle = (handle: FileSystemHandle): handle is FileSystemFileHandle => handle.kind === 'file';
const isDirectoryHandle = (handle: FileSystemHandle): handle is FileSystemDirectoryHandle =>
  handle.kind === 'directory';

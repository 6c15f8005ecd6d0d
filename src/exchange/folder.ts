import type { ByteSource } from '../onnx/model.ts';

/** The files of a model folder by path, `/` between parts, whatever folder name they were dropped under. */
export class ModelFolder {
  /** Shown in messages. */
  readonly name: string;
  readonly files: ReadonlyMap<string, ByteSource>;

  constructor(name: string, files: ReadonlyMap<string, ByteSource>) {
    this.name = name;
    this.files = withoutCommonRoot(files);
  }

  /** The first file whose path ends in one of the given tails, best tail first; shallow paths before deep ones. */
  find(...tails: string[]): ByteSource | undefined {
    const paths = [...this.files.keys()].sort(
      (a, b) => a.split('/').length - b.split('/').length || (a < b ? -1 : 1),
    );
    for (const tail of tails) {
      const path = paths.find((p) => p === tail || p.endsWith(`/${tail}`));
      if (path !== undefined) return this.files.get(path);
    }
    return undefined;
  }

  /** A text file of the folder; undefined when it is not there. */
  async text(...tails: string[]): Promise<string | undefined> {
    const source = this.find(...tails);
    return source && new TextDecoder().decode(await source.read(0, source.size));
  }

  /** Parses a JSON file of the folder; undefined when it is not there. Throws a {@link FolderError} when malformed. */
  async json(...tails: string[]): Promise<Record<string, unknown> | undefined> {
    const text = await this.text(...tails);
    if (text === undefined) return undefined;
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        return value as Record<string, unknown>;
    } catch {
      // Falls through to the message below.
    }
    throw new FolderError(`${this.name}: ${tails[0]} is not a JSON object. Download the file again`);
  }

  /** Sizes for showing. */
  listing(): { path: string; bytes: number }[] {
    return [...this.files].map(([path, source]) => ({ path, bytes: source.size }));
  }
}

/** A model folder lacks something, or holds something that cannot be read. The message says what to do. */
export class FolderError extends Error {
  override readonly name = 'FolderError';
}

function withoutCommonRoot(files: ReadonlyMap<string, ByteSource>): ReadonlyMap<string, ByteSource> {
  const first = [...files.keys()][0]?.split('/')[0];
  const shared = first !== undefined && [...files.keys()].every((path) => path.startsWith(`${first}/`));
  if (!shared) return files;
  return withoutCommonRoot(
    new Map([...files].map(([path, source]) => [path.slice(first.length + 1), source])),
  );
}

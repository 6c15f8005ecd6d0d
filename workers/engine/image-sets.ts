import { expandArchives } from '../../src/data/archives.ts';
import { browserSpill } from '../../src/data/browser-spill.ts';
import { contentBlob, type FileContent } from '../../src/data/file-content.ts';
import type { ImagePool } from '../../src/data/image-pool.ts';
import { buildImageSet } from '../../src/data/image-set.ts';
import type { ImageSetSummary, Listener, NamedBlob, Progress } from '../protocol.ts';
import type { Store } from './store.ts';

/** Image sets: from dropped files and archives to kept sets, and their single images. */
export class ImageSets {
  readonly #store: Promise<Store>;
  readonly #pool: ImagePool;
  /** Files of the set that was last asked for, by path: a grid asks for one after the other. */
  #last: { id: string; files: Promise<Map<string, FileContent>> } | undefined;

  constructor(store: Promise<Store>, pool: ImagePool) {
    this.#store = store;
    this.#pool = pool;
  }

  async add(
    name: string,
    given: readonly NamedBlob[],
    signal: AbortSignal,
    progress?: Listener<Progress>,
  ): Promise<ImageSetSummary> {
    const files = await expandArchives(given, {
      spill: browserSpill,
      signal,
      onFound: every(1000, (count) =>
        progress?.({ label: `${count} files found`, done: 0, total: 0, secondsLeft: null }),
      ),
    });
    const started = performance.now();
    const set = await buildImageSet(files, (blob) => this.#pool.run((jobs) => jobs.examine(blob), signal), {
      parallel: 2 * this.#pool.size,
      signal,
      onProgress: (done, total) => {
        const secondsLeft = ((performance.now() - started) / 1000 / done) * (total - done);
        progress?.({ label: 'images', done, total, secondsLeft });
      },
    });
    if (set.images.length === 0) {
      const first = set.skipped[0];
      throw new Error(
        `None of the ${files.length} files is an image that can be used${first ? ` (${first.path}: ${first.reason})` : ''}. Drop a folder or an archive of PNG, JPEG or WebP images`,
      );
    }
    const summary: ImageSetSummary = {
      id: set.hash.slice(0, 16),
      name,
      count: set.images.length,
      bytes: set.bytes,
      skipped: set.skipped,
      hash: set.hash,
    };
    await (await this.#store).keepImages(summary, set.images);
    this.#last = undefined;
    return summary;
  }

  async paths(id: string): Promise<string[]> {
    return [...(await this.#files(id)).keys()];
  }

  async file(id: string, path: string): Promise<Blob> {
    const found = (await this.#files(id)).get(path);
    if (!found) throw new Error(`${path} is not among the files of this set. Add the folder again`);
    return contentBlob(found);
  }

  #files(id: string): Promise<Map<string, FileContent>> {
    if (this.#last?.id === id) return this.#last.files;
    const files = this.#store
      .then((store) => store.images(id))
      .then((images) => new Map(images.map(({ path, blob }) => [path, blob])));
    this.#last = { id, files };
    files.catch(() => {
      this.#last = undefined;
    });
    return files;
  }
}

/** Calls through at every `step`-th count only: each call is a message to the page. */
function every(step: number, call: (count: number) => void): (count: number) => void {
  return (count) => {
    if (count % step === 0) call(count);
  };
}

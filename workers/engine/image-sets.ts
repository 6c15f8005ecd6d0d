import { expandArchives } from '../../src/data/archives.ts';
import { browserSpill } from '../../src/data/browser-spill.ts';
import { type Fingerprint, findDuplicates } from '../../src/data/duplicates.ts';
import { contentBlob, type FileContent, type SourceFile } from '../../src/data/file-content.ts';
import type { ImagePool } from '../../src/data/image-pool.ts';
import { buildImageSet, imageSetHash } from '../../src/data/image-set.ts';
import { holdOut } from '../../src/data/split.ts';
import type { BrowserImageJobs } from '../image-workers.ts';
import type {
  DuplicateImage,
  ImageSetSummary,
  Listener,
  NamedBlob,
  Progress,
  SkippedFile,
} from '../protocol.ts';
import type { Store } from './store.ts';

/** Image sets: from dropped files and archives to kept sets, and their single images. */
export class ImageSets {
  readonly #store: Promise<Store>;
  readonly #pool: ImagePool<BrowserImageJobs>;
  /** Files of the set that was last asked for, by path: a grid asks for one after the other. */
  #last: { id: string; files: Promise<Map<string, FileContent>> } | undefined;

  constructor(store: Promise<Store>, pool: ImagePool<BrowserImageJobs>) {
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
    return this.#keep(name, set.images, set.hash, set.skipped);
  }

  async paths(id: string): Promise<string[]> {
    return [...(await this.#files(id)).keys()];
  }

  async file(id: string, path: string): Promise<Blob> {
    return contentBlob(await this.#file(id, path));
  }

  async thumbnail(id: string, path: string, edge: number): Promise<string> {
    const content = await this.#file(id, path);
    const made = await this.#pool.run((jobs) => jobs.thumbnail(content, edge));
    if (made.ok) return made.value;
    throw new Error(`${path} could be read when it was added but not any more: ${made.reason}`);
  }

  async #file(id: string, path: string): Promise<FileContent> {
    const found = (await this.#files(id)).get(path);
    if (!found) throw new Error(`${path} is not among the files of this set. Add the folder again`);
    return found;
  }

  async duplicates(
    id: string,
    signal: AbortSignal,
    progress?: Listener<Progress>,
  ): Promise<DuplicateImage[]> {
    const paths = await this.paths(id);
    const { mark, group } = findDuplicates(await this.#fingerprints(id, signal, progress));
    return paths.flatMap((path, i): DuplicateImage[] => {
      const kind = mark[i]!;
      return kind === 'none' ? [] : [{ path, mark: kind, group: group[i]! }];
    });
  }

  async split(
    id: string,
    { share, seed }: { share: number; seed: number },
    signal: AbortSignal,
    progress?: Listener<Progress>,
  ): Promise<{ train: ImageSetSummary; heldOut: ImageSetSummary }> {
    const store = await this.#store;
    const whole = (await store.imageSets()).find((set) => set.id === id);
    if (!whole) throw new Error('This image set is no longer on this device');
    const prints = await this.#fingerprints(id, signal, progress);
    const { group } = findDuplicates(prints);
    const images = prints.map(({ sha256 }, i) => ({ sha256, group: group[i]! }));
    const held = await holdOut(images, share, seed);
    if (!held.includes(true) || !held.includes(false)) {
      throw new Error(
        `Of ${formatImages(held.length)}, ${Math.round(100 * share)}% leaves one part empty. Choose another share`,
      );
    }
    const files = [...(await this.#files(id))].map(([path, blob], i) => ({
      path,
      blob,
      sha256: images[i]!.sha256,
    }));
    const keep = async (part: string, wanted: boolean) => {
      const chosen = files.filter((_, i) => held[i] === wanted);
      const name = `${whole.name}, ${part} (${Math.round(100 * share)}%, seed ${seed})`;
      return this.#keep(name, chosen, await imageSetHash(chosen), []);
    };
    return { train: await keep('without held-out', false), heldOut: await keep('held out', true) };
  }

  async #keep(
    name: string,
    images: readonly SourceFile[],
    hash: string,
    skipped: SkippedFile[],
  ): Promise<ImageSetSummary> {
    const summary: ImageSetSummary = {
      id: hash.slice(0, 16),
      name,
      count: images.length,
      bytes: images.reduce((sum, { blob }) => sum + blob.size, 0),
      skipped,
      hash,
      mode: 'photo',
    };
    await (await this.#store).keepImages(summary, images);
    this.#last = undefined;
    return summary;
  }

  /** In the order of the set's images. */
  async #fingerprints(
    id: string,
    signal: AbortSignal,
    progress?: Listener<Progress>,
  ): Promise<Fingerprint[]> {
    const store = await this.#store;
    const known = await store.fingerprints(id);
    if (known) return known;
    const files = await this.#files(id);
    const started = performance.now();
    const prints: Fingerprint[] = [];
    const results = this.#pool.map(
      files,
      async (jobs, [path, blob]) => ({ path, result: await jobs.fingerprint(blob) }),
      { signal },
    );
    for await (const { path, result } of results) {
      if (!result.ok) {
        throw new Error(`${path} could be read when it was added but not any more: ${result.reason}`);
      }
      prints.push(result.value);
      const [done, total] = [prints.length, files.size];
      const secondsLeft = ((performance.now() - started) / 1000 / done) * (total - done);
      progress?.({ label: 'images compared', done, total, secondsLeft });
    }
    await store.keepFingerprints(id, prints);
    return prints;
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

const formatImages = (count: number): string => `${count} ${count === 1 ? 'image' : 'images'}`;

/** Calls through at every `step`-th count only: each call is a message to the page. */
function every(step: number, call: (count: number) => void): (count: number) => void {
  return (count) => {
    if (count % step === 0) call(count);
  };
}

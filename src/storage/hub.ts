import { datasetInfo, HubApiError, listFiles, modelInfo } from '@huggingface/hub';
import type { StorageBackends } from './backend.ts';
import type { ExpectedDigest } from './digest.ts';
import { writeFailure } from './errors.ts';
import { HubError, statusError, unreachable } from './hub-errors.ts';
import { transfer } from './transfer.ts';
import { TransferMeter, type TransferProgress } from './transfer-progress.ts';

export interface HubOptions {
  /** Default `https://huggingface.co`. */
  hubUrl?: string;
  /** Access token, for private and gated models. */
  token?: string;
  /** Default: the platform's. */
  fetch?: typeof fetch;
  /** Waits between attempts; replaced in tests. */
  sleep?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** Milliseconds without a byte after which a transfer counts as broken. */
  stall?: number;
}

export interface HubFile {
  path: string;
  /** Bytes. */
  size: number;
  digest: ExpectedDigest;
}

export type HubKind = 'model' | 'dataset';

/** The files of a model or data set at one commit. */
export interface HubListing {
  /** A model's where it is left out. */
  kind?: HubKind;
  repository: string;
  /** What was asked for, such as `main`. */
  revision: string;
  commit: string;
  files: HubFile[];
}

/**
 * Models of a hub, kept on this device by their content: a file that two revisions share is downloaded once, and what
 * is here needs no network. Not for the folder of a {@link BlobStore}, which sweeps files that it does not know.
 */
export class HubCache {
  readonly #storage: StorageBackends;
  readonly #options: HubOptions;
  readonly #fetch: typeof fetch;
  readonly #hub: string;

  constructor(storage: StorageBackends, options: HubOptions = {}) {
    this.#storage = storage;
    this.#options = options;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.#hub = options.hubUrl ?? 'https://huggingface.co';
  }

  /**
   * The files of a model, such as `openai/clip-vit-large-patch14`, or of a data set. Without a network, what the hub
   * said last time.
   *
   * @throws HubError
   */
  async list(
    repository: string,
    revision = 'main',
    signal?: AbortSignal,
    kind: HubKind = 'model',
  ): Promise<HubListing> {
    const key = `listing:${this.#hub}/${folderOf[kind]}${repository}@${revision}`;
    if (!/^[\w.-]+(\/[\w.-]+)?$/.test(repository)) {
      throw new HubError(
        'missing',
        `"${repository}" is no ${nameOfKind[kind]}'s name. Write it as owner/name`,
      );
    }
    try {
      const listing = await this.#ask(kind, repository, revision, signal);
      await this.#storage.state.update({ set: new Map([[key, listing]]) });
      return listing;
    } catch (error) {
      signal?.throwIfAborted();
      const problem = await this.#explain(error, `${folderOf[kind]}${repository}`);
      if (problem instanceof HubError && problem.problem === 'unreachable') {
        const known = await this.#storage.state.get(key);
        if (known !== undefined) return known as HubListing;
      }
      throw problem;
    }
  }

  /** Whether a file is here, whole and compared. */
  async has(file: HubFile): Promise<boolean> {
    return (await this.#storage.state.get(keyOf(file))) !== undefined;
  }

  /**
   * Files of a listing, downloaded unless they are here, in the order given. Cancelling keeps what has arrived.
   *
   * @param paths which of its files
   * @param options.parallel files at the same time: one for a model's large ones, more for many small ones
   * @throws HubError; StorageError when there is no room; the reason of `signal`
   */
  async files(
    listing: HubListing,
    paths: readonly string[],
    options: {
      signal?: AbortSignal;
      onProgress?: (progress: TransferProgress) => void;
      parallel?: number;
    } = {},
  ): Promise<Map<string, Blob>> {
    const chosen = paths.map((path) => this.#fileOf(listing, path));
    const meter = new TransferMeter(new Map(chosen.map(({ path, size }) => [path, size])));
    const report = (progress: TransferProgress) => options.onProgress?.(progress);
    const missing: HubFile[] = [];
    for (const file of chosen) {
      if (await this.#kept(file)) report(meter.set(file.path, file.size));
      else missing.push(file);
    }
    await this.#checkRoom(listing, missing);
    const enough = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, enough.signal]) : enough.signal;
    const rest = [...new Map(missing.map((file) => [nameOf(file), file])).values()].values();
    const lane = async () => {
      for (const file of rest) await this.#download(listing, file, meter, report, signal);
    };
    try {
      await Promise.all(Array.from({ length: options.parallel ?? 1 }, lane));
    } catch (error) {
      // The other lanes must not go on behind the caller's back.
      enough.abort(error);
      throw error;
    }
    const found = new Map<string, Blob>();
    for (const file of chosen) found.set(file.path, await this.#storage.files.read(nameOf(file)));
    return found;
  }

  /**
   * Files that are here, without asking anybody.
   *
   * @throws HubError when one of them is not
   */
  async open(repository: string, files: readonly HubFile[]): Promise<Map<string, Blob>> {
    const found = new Map<string, Blob>();
    for (const file of files) {
      if (!(await this.#kept(file))) {
        throw new HubError(
          'missing',
          `${repository}/${file.path} is no longer on this device. Download the model again`,
        );
      }
      found.set(file.path, await this.#storage.files.read(nameOf(file)));
    }
    return found;
  }

  /** Gives the room of files back, whole or begun. */
  async remove(files: readonly HubFile[]): Promise<void> {
    await this.#storage.state.update({ remove: files.map(keyOf) });
    for (const file of files) await this.#storage.files.remove(nameOf(file));
  }

  async #ask(kind: HubKind, repository: string, revision: string, signal?: AbortSignal): Promise<HubListing> {
    const ask: typeof fetch = (input, init) => this.#fetch(input, { ...init, ...(signal && { signal }) });
    const common = {
      hubUrl: this.#hub,
      fetch: ask,
      ...(this.#options.token && { accessToken: this.#options.token }),
    };
    const asked = { ...common, name: repository, revision };
    const { sha } =
      kind === 'dataset'
        ? await datasetInfo({ ...asked, additionalFields: ['sha'] })
        : await modelInfo({ ...asked, additionalFields: ['sha'] });
    const repo = { type: kind, name: repository } as const;
    const files: HubFile[] = [];
    for await (const entry of listFiles({ ...common, repo, revision: sha, recursive: true })) {
      if (entry.type !== 'file') continue;
      const { path, size, oid, lfs } = entry;
      if (lfs) files.push({ path, size: lfs.size, digest: { kind: 'sha256', hex: lfs.oid } });
      else if (oid) files.push({ path, size, digest: { kind: 'git', hex: oid } });
    }
    return { kind, repository, revision, commit: sha, files };
  }

  async #download(
    listing: HubListing,
    file: HubFile,
    meter: TransferMeter,
    report: (progress: TransferProgress) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { token, sleep, stall } = this.#options;
    const path = file.path.split('/').map(encodeURIComponent).join('/');
    const label = `${listing.repository}/${file.path}`;
    const source = {
      url: `${pageOf(this.#hub, listing)}/resolve/${listing.commit}/${path}`,
      label,
      page: pageOf(this.#hub, listing),
      size: file.size,
      digest: file.digest,
      ...(token && { headers: { Authorization: `Bearer ${token}` } }),
    };
    try {
      await transfer(source, this.#storage.files, nameOf(file), {
        fetch: this.#fetch,
        signal,
        ...(sleep && { sleep }),
        ...(stall && { stall }),
        onStart: (received) => report(meter.set(file.path, received)),
        onBytes: (bytes) => report(meter.add(file.path, bytes)),
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof HubError) throw error;
      throw await writeFailure(error, label, file.size, this.#storage.estimate, []);
    }
    await this.#storage.state.update({ set: new Map([[keyOf(file), { size: file.size }]]) });
  }

  /** A browser may clear files and keep the state: the file itself must be there too. */
  async #kept(file: HubFile): Promise<boolean> {
    if (!(await this.has(file))) return false;
    return this.#storage.files.read(nameOf(file)).then(
      (blob) => blob.size === file.size,
      () => false,
    );
  }

  async #checkRoom(listing: HubListing, missing: readonly HubFile[]): Promise<void> {
    let needed = 0;
    for (const file of missing) {
      const begun = await this.#storage.files.read(nameOf(file)).then(
        ({ size }) => size,
        () => 0,
      );
      needed += Math.max(0, file.size - begun);
    }
    const { usage, quota } = await this.#storage
      .estimate()
      .catch(() => ({ usage: undefined, quota: undefined }));
    if (usage === undefined || quota === undefined || needed <= quota - usage) return;
    const full = new DOMException('', 'QuotaExceededError');
    throw await writeFailure(full, listing.repository, needed, this.#storage.estimate, []);
  }

  async #explain(error: unknown, repository: string): Promise<unknown> {
    if (error instanceof HubApiError) {
      return statusError(repository, `${this.#hub}/${repository}`, error.statusCode);
    }
    if (error instanceof TypeError) return unreachable(repository, this.#hub, this.#fetch, error);
    return error;
  }

  #fileOf(listing: HubListing, path: string): HubFile {
    const file = listing.files.find((other) => other.path === path);
    if (file) return file;
    throw new HubError(
      'missing',
      `${listing.repository} has no file "${path}" at ${listing.revision}. Its files are at ${pageOf(this.#hub, listing)}/tree/${listing.commit}`,
    );
  }
}

/** Where the hub keeps repositories of each kind. */
const folderOf: Record<HubKind, string> = { model: '', dataset: 'datasets/' };
const nameOfKind: Record<HubKind, string> = { model: 'model', dataset: 'data set' };
const pageOf = (hub: string, { kind = 'model', repository }: HubListing): string =>
  `${hub}/${folderOf[kind]}${repository}`;
const nameOf = ({ digest }: HubFile): string => `${digest.kind}-${digest.hex}`;
const keyOf = (file: HubFile): string => `file:${nameOf(file)}`;

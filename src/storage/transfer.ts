import type { FileBackend } from './backend.ts';
import { piecesOf } from './blobs.ts';
import { digestOf, type ExpectedDigest } from './digest.ts';
import { HubError, secondsOf, statusError, unreachable } from './hub-errors.ts';

export interface TransferSource {
  url: string;
  /** Names the file in messages. */
  label: string;
  /** Where the person finds the file. */
  page: string;
  /** Bytes of the whole file. */
  size: number;
  digest: ExpectedDigest;
  headers?: Record<string, string>;
}

export interface TransferOptions {
  fetch: typeof fetch;
  signal?: AbortSignal | undefined;
  /** Bytes that the file has now, without anything having been sent. */
  onStart?: (received: number) => void;
  onBytes?: (bytes: number) => void;
  /** Waits; replaced in tests. */
  sleep?: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** Milliseconds without a byte after which a transfer counts as broken. Default 60,000. */
  stall?: number;
}

/** Attempts without a single new byte before giving up. */
const attempts = 5;
/** Seconds that a server may ask to wait; longer waits are left to the person. */
const longestWait = 60;

/**
 * Brings a file here, continuing what is there already, and compares its digest. What has arrived stays when the
 * transfer ends early, whatever the reason, unless it is wrong.
 *
 * A continued answer must carry the ETag of the answer before it. If-Range would ask the server for the same, but
 * browsers send that header to other origins only after asking for permission, which content servers do not give.
 *
 * @throws HubError; the reason of `signal`; whatever the disk throws
 */
export async function transfer(
  source: TransferSource,
  files: FileBackend,
  name: string,
  options: TransferOptions,
): Promise<void> {
  const sleep = options.sleep ?? pause;
  let etag: string | null = null;
  let failures = 0;
  /** Whether every byte comes from this call. */
  let fresh = (await sizeOf(files, name)) === 0;
  for (;;) {
    options.signal?.throwIfAborted();
    const have = await sizeOf(files, name);
    if (have > source.size) {
      await files.remove(name);
      continue;
    }
    options.onStart?.(have);
    if (have === source.size && have > 0) {
      if (await matches(source, files, name)) return;
      await files.remove(name);
      // Old bytes may have come from another version of the file; new ones may not.
      if (fresh) throw damaged(source);
      fresh = true;
      continue;
    }
    try {
      const answer = await ask(source, have, etag, options);
      etag = answer.etag;
      try {
        await files.append(name, answer.start, answer.parts);
      } finally {
        await answer.end();
      }
      if (source.size === 0) return;
      failures = 0;
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      if (error.problem === 'range' && have > 0) {
        await files.remove(name);
        etag = null;
        continue;
      }
      if ((await sizeOf(files, name)) > have) failures = 0;
      failures++;
      if (!error.passing || failures >= attempts || (error.retryAfter ?? 0) > longestWait) throw error;
      await sleep(1000 * (error.retryAfter ?? 2 ** (failures - 1)), options.signal);
    }
  }
}

interface Answer {
  /** Byte of the file with which the parts begin. */
  start: number;
  etag: string | null;
  parts: AsyncIterable<Uint8Array<ArrayBuffer>>;
  /** To be called in the end, also when the parts were not read. */
  end(): Promise<void>;
}

async function ask(
  source: TransferSource,
  have: number,
  known: string | null,
  options: TransferOptions,
): Promise<Answer> {
  const watch = new Watch(options.signal, options.stall ?? 60_000);
  const request = {
    headers: { ...source.headers, ...(have > 0 && { Range: `bytes=${have}-` }) },
    signal: watch.signal,
    credentials: 'omit',
    // The browser's own cache would keep gigabytes a second time, and rewrite the ranges that are asked for.
    cache: 'no-store',
  } as const;
  let response: Response;
  try {
    response = await options.fetch(source.url, request);
  } catch (error) {
    watch.end();
    options.signal?.throwIfAborted();
    if (watch.stalled) throw broken(source, 'the server does not answer', error);
    throw await unreachable(source.label, source.url, options.fetch, error);
  }
  const { body } = response;
  const end = async (): Promise<void> => {
    watch.end();
    // Refused where the parts' reader has ended it already.
    await body?.cancel().catch(() => undefined);
  };
  const refuse = async (error: HubError): Promise<never> => {
    await end();
    throw error;
  };
  if (!response.ok || !body) {
    const wait = secondsOf(response.headers.get('Retry-After'));
    return refuse(statusError(source.label, source.page, response.status, wait));
  }
  const etag = response.headers.get('ETag');
  let start = 0;
  if (response.status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('Content-Range') ?? '');
    const other = known !== null && etag !== null && etag !== known;
    // Servers need not show the header to other origins; the digest tells in the end.
    if (
      other ||
      (range && (Number(range[1]) !== have || (range[2] !== '*' && Number(range[2]) !== source.size)))
    ) {
      return refuse(statusError(source.label, source.page, 416));
    }
    start = have;
  } else options.onStart?.(0);
  return { start, etag, end, parts: partsOf(source, body, source.size - start, watch, options) };
}

async function* partsOf(
  source: TransferSource,
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  wanted: number,
  watch: Watch,
  { signal, onBytes }: TransferOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  let left = wanted;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        signal?.throwIfAborted();
        throw broken(source, watch.stalled ? 'no more bytes came' : 'the connection broke', error);
      });
      if (done) break;
      watch.restart();
      left -= value.length;
      if (left < 0) throw damaged(source);
      yield value;
      onBytes?.(value.length);
    }
    if (left > 0) throw broken(source, `${left} bytes were missing at the end`);
  } finally {
    await reader.cancel().catch(() => undefined);
    reader.releaseLock();
  }
}

/** Ends a request when the person does, or when nothing has arrived for a while. */
class Watch {
  readonly signal: AbortSignal;
  readonly #stall = new AbortController();
  readonly #after: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(signal: AbortSignal | undefined, after: number) {
    this.#after = after;
    this.signal = signal ? AbortSignal.any([signal, this.#stall.signal]) : this.#stall.signal;
    this.restart();
  }

  get stalled(): boolean {
    return this.#stall.signal.aborted;
  }

  restart(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#stall.abort(), this.#after);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

async function matches(source: TransferSource, files: FileBackend, name: string): Promise<boolean> {
  const blob = await files.read(name);
  return (await digestOf(source.digest.kind, blob.size, piecesOf(blob))) === source.digest.hex;
}

async function sizeOf(files: FileBackend, name: string): Promise<number> {
  return files.read(name).then(
    (blob) => blob.size,
    () => 0,
  );
}

const broken = (source: TransferSource, how: string, cause?: unknown): HubError =>
  new HubError(
    'broken',
    `${source.label}: the download broke off, ${how}. Start it again: it goes on where it stopped`,
    {
      cause,
    },
  );

const damaged = (source: TransferSource): HubError =>
  new HubError(
    'damaged',
    `${source.label}: what arrived is not the file that the hub lists (its checksum differs). Start it again; if that happens twice, download it from ${source.page} and drop it here`,
  );

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}

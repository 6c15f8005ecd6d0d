import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One answer out of the ordinary, given to the next request for a file's bytes. */
export type Mishap =
  | { status: number; headers?: Record<string, string> }
  /** Sends so many bytes and breaks the connection. */
  | { breakAfter: number }
  /** Sends so many bytes and then nothing more. */
  | { stallAfter: number }
  /** Sends the whole file whatever range is asked for. */
  | { ignoreRange: true };

/**
 * A hub on this machine: listing, redirect to a second server with the bytes, ranges, ETags, CORS. It follows the
 * answers of huggingface.co for the model `team/model`, or the data set `team/set`, at commit `c0ffee`.
 */
export class HubServer {
  readonly files = new Map<string, Buffer>();
  readonly mishaps: Mishap[] = [];
  /** Requests for bytes, as the content server saw them. */
  readonly asked: { path: string; range: string | undefined; authorization: string | undefined }[] = [];
  /** Answers every request to the hub itself with this status. */
  refuse: { status: number; headers?: Record<string, string> } | undefined;
  /** Needed to read anything. */
  token: string | undefined;
  /** Whether answers let other pages read them. */
  cors = true;
  etag = '"first"';
  url = '';
  readonly #hub: Server;
  readonly #content: Server;

  private constructor() {
    this.#hub = createServer((request, response) => this.#answer(request, response));
    this.#content = createServer((request, response) => this.#send(request, response));
  }

  static async open(): Promise<HubServer> {
    const server = new HubServer();
    for (const one of [server.#hub, server.#content]) {
      await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
    }
    server.url = addressOf(server.#hub);
    return server;
  }

  async close(): Promise<void> {
    for (const one of [this.#hub, this.#content]) {
      one.closeAllConnections();
      await new Promise((resolve) => one.close(resolve));
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url!, this.url);
    const headers = this.#headers();
    // Browsers ask before they send a token to another origin.
    if (request.method === 'OPTIONS') {
      response.writeHead(204, { ...headers, 'Access-Control-Allow-Headers': 'authorization, range' }).end();
      return;
    }
    if (this.refuse) {
      response.writeHead(this.refuse.status, { ...headers, ...this.refuse.headers }).end();
      return;
    }
    if (this.token && request.headers.authorization !== `Bearer ${this.token}`) {
      response.writeHead(401, headers).end();
      return;
    }
    const json = (value: unknown) =>
      response.writeHead(200, { ...headers, 'Content-Type': 'application/json' }).end(JSON.stringify(value));
    const [, kind, name] = /^\/api\/(models|datasets)\/team\/(model|set)\//.exec(pathname) ?? [];
    const resolved = /^(\/datasets\/team\/set|\/team\/model)\/resolve\/c0ffee\/(.+)$/.exec(pathname)?.[2];
    const api = (kind === 'datasets') === (name === 'set') && `/api/${kind}/team/${name}`;
    if (pathname === `${api}/revision/main`) {
      json({ _id: '1', id: `team/${name}`, sha: 'c0ffee', private: false, gated: false });
    } else if (pathname === `${api}/tree/c0ffee`) {
      json([{ type: 'directory', path: 'onnx', size: 0, oid: '0' }, ...this.#tree()]);
    } else if (resolved !== undefined) {
      response.writeHead(302, { ...headers, Location: `${addressOf(this.#content)}/${resolved}` }).end();
    } else response.writeHead(404, headers).end();
  }

  #tree() {
    return [...this.files].map(([path, bytes]) => {
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const oid = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
      // Large files are kept as LFS pointers; the limit here is lower than the hub's.
      return bytes.length > 1000
        ? {
            type: 'file',
            path,
            size: bytes.length,
            oid: '1',
            lfs: { oid: sha256, size: bytes.length, pointerSize: 134 },
          }
        : { type: 'file', path, size: bytes.length, oid };
    });
  }

  #send(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(new URL(request.url!, 'http://content').pathname.slice(1));
    const { range, authorization } = request.headers;
    if (request.method === 'GET') this.asked.push({ path, range, authorization });
    const bytes = this.files.get(path);
    const mishap = request.method === 'GET' ? this.mishaps.shift() : undefined;
    const headers = { ...this.#headers(), ETag: this.etag };
    if (!bytes || (mishap && 'status' in mishap)) {
      const extra = mishap && 'status' in mishap ? mishap : { status: 404 };
      response.writeHead(extra.status, { ...headers, ...extra.headers }).end();
      return;
    }
    const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    if (start >= bytes.length && bytes.length > 0) {
      response.writeHead(416, { ...headers, 'Content-Range': `bytes */${bytes.length}` }).end();
      return;
    }
    const partial = range !== undefined && !(mishap && 'ignoreRange' in mishap);
    const body = partial ? bytes.subarray(start) : bytes;
    response.writeHead(partial ? 206 : 200, {
      ...headers,
      'Content-Length': body.length,
      ...(partial && { 'Content-Range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
    });
    if (mishap && 'breakAfter' in mishap) {
      response.write(body.subarray(0, mishap.breakAfter), () => setTimeout(() => response.destroy(), 20));
    } else if (mishap && 'stallAfter' in mishap) response.write(body.subarray(0, mishap.stallAfter));
    else response.end(body);
  }

  #headers(): Record<string, string> {
    return this.cors
      ? { 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': 'ETag, Content-Range, Link' }
      : {};
  }
}

const addressOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** As a browser on another origin fetches: no answer without permission, and no header that is not shown. */
export const crossOriginFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, init?.mode === 'no-cors' ? { ...init, mode: 'cors' } : init);
  if (init?.mode === 'no-cors') return response;
  if (response.headers.get('Access-Control-Allow-Origin') !== '*') {
    await response.body?.cancel();
    throw new TypeError('Failed to fetch');
  }
  const shown = (response.headers.get('Access-Control-Expose-Headers') ?? '').toLowerCase().split(', ');
  const safe = ['content-type', 'content-length', ...shown];
  const headers = new Headers([...response.headers].filter(([name]) => safe.includes(name)));
  return new Response(response.body, { status: response.status, headers });
};

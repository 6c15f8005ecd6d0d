import { refusedByPolicy } from './page-policy.ts';

/** Why the hub or a server like it did not give a file. */
export type HubProblem =
  | 'sign-in'
  | 'forbidden'
  | 'missing'
  | 'range'
  | 'busy'
  | 'server'
  | 'unreachable'
  | 'cross-origin'
  | 'policy'
  | 'broken'
  | 'damaged'
  | 'answer';

/** A file or listing could not be had from a hub. The message tells the person what to do. */
export class HubError extends Error {
  override readonly name = 'HubError';
  readonly problem: HubProblem;
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** Seconds after which the server wants to be asked again, where it says so. */
  readonly retryAfter: number | undefined;

  constructor(
    problem: HubProblem,
    message: string,
    options: { status?: number; retryAfter?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.problem = problem;
    this.status = options.status;
    this.retryAfter = options.retryAfter;
  }

  /** Whether the same request may succeed a little later. */
  get passing(): boolean {
    return this.problem === 'broken' || this.problem === 'busy' || this.problem === 'server';
  }
}

/**
 * What an HTTP status other than success means for the person.
 *
 * @param what names the file or repository asked for
 * @param page the repository's page, where conditions are accepted
 */
export function statusError(what: string, page: string, status: number, retryAfter?: number): HubError {
  const make = (problem: HubProblem, sentence: string) =>
    new HubError(problem, `${what}: ${sentence}`, { status, retryAfter });
  switch (status) {
    case 401:
      return make(
        'sign-in',
        `the hub wants to know who asks (401). Check the name; for what is private or gated give an access token that may read it, or download the files from ${page} and drop them here`,
      );
    case 403:
      return make(
        'forbidden',
        `this account may not have it (403). Accept its conditions at ${page} with the account that the access token belongs to, or give another token`,
      );
    case 404:
    case 410:
      return make(
        'missing',
        `the hub has no such thing (${status}). Check the name and the revision at ${page}`,
      );
    case 416:
      return make(
        'range',
        'the server does not have the bytes that are missing (416): its file is another than the one begun. Delete the download and start again',
      );
    case 429:
      return make(
        'busy',
        `too many requests (429). Try again in ${retryAfter === undefined ? 'a few minutes' : `${Math.ceil(retryAfter)} seconds`}; what has arrived is kept`,
      );
    default:
      return status >= 500
        ? make('server', `the server is in trouble (${status}). Try again later; what has arrived is kept`)
        : make(
            'answer',
            `the server answered with status ${status}. Download the file from ${page} and drop it here`,
          );
  }
}

/** Seconds of a Retry-After header: a number, or a date (RFC 9110, section 10.2.3). */
export function secondsOf(retryAfter: string | null, now = Date.now()): number | undefined {
  if (retryAfter === null) return undefined;
  const seconds = Number(retryAfter);
  if (Number.isFinite(seconds) && retryAfter.trim() !== '') return Math.max(0, seconds);
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}

/**
 * Browsers tell neither why a request failed nor whether the server forbade it. A request that needs no permission
 * tells the two apart: when it is answered, the server is there and sends no CORS headers. The page's own policy is the
 * exception: the browser tells when it refused.
 */
export async function unreachable(
  what: string,
  url: string,
  ask: typeof fetch,
  cause: unknown,
): Promise<HubError> {
  const { host, origin } = new URL(url);
  if (await refusedByPolicy(url)) {
    return new HubError(
      'policy',
      `${what}: this page may not talk to ${host}: the Content-Security-Policy that Acuity is served with names every server it may ask. Download the folder there and drop it here, or serve Acuity with ${origin} in connect-src (docs/hosting.md)`,
      { cause },
    );
  }
  const there = await ask(url, { mode: 'no-cors', method: 'HEAD', signal: AbortSignal.timeout(5000) }).then(
    () => true,
    () => false,
  );
  return there
    ? new HubError(
        'cross-origin',
        `${what}: ${host} does not let other pages read its files (CORS). Download the file there and drop it here`,
        { cause },
      )
    : new HubError(
        'unreachable',
        `${what}: ${host} cannot be reached. Check the network; if it is there, the server may not let other pages read its files (CORS): download the file and drop it here`,
        { cause },
      );
}

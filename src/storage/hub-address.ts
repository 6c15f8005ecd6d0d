/** A model or data set on a hub, as a person names it. */
export interface HubAddress {
  /** Origin, such as `https://huggingface.co`. */
  hub: string;
  /** Such as `openai/clip-vit-large-patch14`. */
  repository: string;
  revision: string;
}

export const defaultHub = 'https://huggingface.co';

/**
 * Reads `owner/name`, `owner/name@revision` or the URL of a repository, of one of its pages or of one of its files.
 *
 * @throws TypeError that says what to write
 */
export function readHubAddress(text: string): HubAddress {
  const { hub, parts } = partsOf(text);
  const address = repositoryOf(parts);
  if (!address || (hub === defaultHub && parts[0] === 'datasets')) {
    throw new TypeError(
      `"${text.trim()}" names no model. Write owner/name, such as Xenova/clip-vit-base-patch32, or paste its address`,
    );
  }
  const { repository, revision } = address;
  return { hub, repository, revision };
}

/**
 * The same of a data set: its name with `datasets/` before it or without, or its URL. The URL of a folder or file in
 * it, behind `/tree/REVISION/`, also tells which files are meant, and so does what follows a name.
 *
 * @returns `within` is a path in the repository; empty for all of it
 * @throws TypeError that says what to write
 */
export function readDatasetAddress(text: string): HubAddress & { within: string } {
  const { hub, parts, isUrl } = partsOf(text);
  const marked = parts[0] === 'datasets';
  const address = repositoryOf(marked ? parts.slice(1) : parts);
  if (!address || (isUrl && !marked)) {
    throw new TypeError(
      `"${text.trim()}" names no data set. Write owner/name, such as uoft-cs/cifar10, or paste its address, which has /datasets/ in it`,
    );
  }
  return { hub, ...address };
}

function partsOf(text: string): { hub: string; parts: string[]; isUrl: boolean } {
  const given = text.trim();
  return /^https?:\/\//.test(given)
    ? { ...urlOf(given), isUrl: true }
    : { hub: defaultHub, parts: given.split('/'), isUrl: false };
}

function repositoryOf([owner = '', rest = '', ...more]: string[]):
  | { repository: string; revision: string; within: string }
  | undefined {
  const [name = '', tagged] = rest.split('@');
  const word = /^\w[\w.-]*$/;
  if (!word.test(owner) || !word.test(name)) return undefined;
  const paged = ['tree', 'blob', 'resolve'].includes(more[0] ?? '') ? more[1] : undefined;
  return {
    repository: `${owner}/${name}`,
    revision: tagged || paged || 'main',
    within: (paged ? more.slice(2) : more).filter(Boolean).join('/'),
  };
}

function urlOf(text: string): { hub: string; parts: string[] } {
  const url = URL.parse(text);
  if (!url) return { hub: defaultHub, parts: [] };
  const parts = url.pathname.split('/').filter(Boolean).map(decodeURIComponent);
  const hub = /^(www\.)?(huggingface\.co|hf\.co)$/.test(url.hostname) ? defaultHub : url.origin;
  return { hub, parts };
}

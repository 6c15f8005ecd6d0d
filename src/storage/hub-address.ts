/** A model on a hub, as a person names it. */
export interface HubAddress {
  /** Origin, such as `https://huggingface.co`. */
  hub: string;
  /** Such as `openai/clip-vit-large-patch14`. */
  repository: string;
  revision: string;
}

const defaultHub = 'https://huggingface.co';

/**
 * Reads `owner/name`, `owner/name@revision` or the URL of a repository, of one of its pages or of one of its files.
 *
 * @throws TypeError that says what to write
 */
export function readHubAddress(text: string): HubAddress {
  const given = text.trim();
  const path = /^https?:\/\//.test(given) ? urlOf(given) : { hub: defaultHub, parts: given.split('/') };
  const [owner = '', rest = '', ...more] = path.parts;
  const [name = '', tagged] = rest.split('@');
  const word = /^\w[\w.-]*$/;
  if (!word.test(owner) || !word.test(name) || (path.hub === defaultHub && owner === 'datasets')) {
    throw new TypeError(
      `"${given}" names no model. Write owner/name, such as Xenova/clip-vit-base-patch32, or paste its address`,
    );
  }
  const paged = ['tree', 'blob', 'resolve'].includes(more[0] ?? '') ? more[1] : undefined;
  return { hub: path.hub, repository: `${owner}/${name}`, revision: tagged || paged || 'main' };
}

function urlOf(text: string): { hub: string; parts: string[] } {
  const url = URL.parse(text);
  if (!url) return { hub: defaultHub, parts: [] };
  const parts = url.pathname.split('/').filter(Boolean).map(decodeURIComponent);
  const hub = /^(www\.)?(huggingface\.co|hf\.co)$/.test(url.hostname) ? defaultHub : url.origin;
  return { hub, parts };
}

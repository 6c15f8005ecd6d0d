import { useEffect, useState } from 'react';
import { engine } from './engine.ts';

/** Most images kept decoded at hand; the least recently asked for go first. */
const most = 600;
const urls = new Map<string, Promise<string>>();

function urlOf(owner: string, path: string): Promise<string> {
  const key = `${owner}\n${path}`;
  const known = urls.get(key);
  if (known) {
    urls.delete(key);
    urls.set(key, known);
    return known;
  }
  const made = engine()
    .file(owner, path)
    .then((blob) => URL.createObjectURL(blob));
  urls.set(key, made);
  made.catch(() => urls.delete(key));
  if (urls.size > most) {
    for (const [oldest, url] of urls) {
      urls.delete(oldest);
      url.then(URL.revokeObjectURL, () => {});
      break;
    }
  }
  return made;
}

/** An address at which a file of an image set or benchmark can be shown: undefined while it is fetched, null if lost. */
export function useFileUrl(owner: string, path: string): string | null | undefined {
  const [url, setUrl] = useState<string | null>();
  useEffect(() => {
    let current = true;
    setUrl(undefined);
    urlOf(owner, path).then(
      (made) => current && setUrl(made),
      () => current && setUrl(null),
    );
    return () => {
      current = false;
    };
  }, [owner, path]);
  return url;
}

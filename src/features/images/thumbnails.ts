import { useEffect, useState } from 'react';
import { engine } from '../shared/engine.ts';

/** Edge in pixels: a tile's on a screen of two pixels to each of CSS. */
const edge = 192;
/** Most kept at hand, of about 11 kB each; the least recently shown go first. */
const most = 2000;
/** Thumbnails in the making at once: enough for the workers, few enough that newer wishes come soon. */
const atOnce = 8;

/** Data URL by image; null for one that cannot be read. */
const known = new Map<string, string | null>();
const listeners = new Map<string, Set<(url: string | null) => void>>();
/** What waits; the newest is made first, because it is what is in sight. */
const waiting = new Map<string, { set: string; path: string }>();
const making = new Set<string>();

function next(): void {
  while (making.size < atOnce) {
    const newest = [...waiting].at(-1);
    if (!newest) return;
    const [key, { set, path }] = newest;
    waiting.delete(key);
    making.add(key);
    engine()
      .thumbnail(set, path, edge)
      .then(
        (url) => keep(key, url),
        () => keep(key, null),
      )
      .finally(() => {
        making.delete(key);
        next();
      });
  }
}

function keep(key: string, url: string | null): void {
  known.set(key, url);
  for (const tell of listeners.get(key) ?? []) tell(url);
  if (known.size <= most) return;
  for (const oldest of known.keys()) {
    // What is in sight stays, however old.
    if (listeners.has(oldest)) continue;
    known.delete(oldest);
    break;
  }
}

/** Calls back when the thumbnail is there; the function returned gives the wish up. */
function wish(key: string, set: string, path: string, tell: (url: string | null) => void): () => void {
  const url = known.get(key);
  if (url !== undefined) {
    known.delete(key);
    known.set(key, url);
    tell(url);
  } else if (!making.has(key)) {
    waiting.delete(key);
    waiting.set(key, { set, path });
    next();
  }
  const others = listeners.get(key) ?? new Set();
  listeners.set(key, others.add(tell));
  return () => {
    others.delete(tell);
    if (others.size > 0) return;
    listeners.delete(key);
    waiting.delete(key);
  };
}

/** Address of an image's thumbnail: undefined while it is made, null when it cannot be read. */
export function useThumbnail(set: string, path: string): string | null | undefined {
  const key = `${set}\n${path}`;
  const [shown, setShown] = useState({ key, url: known.get(key) });
  useEffect(() => wish(key, set, path, (url) => setShown({ key, url })), [key, set, path]);
  return shown.key === key ? shown.url : undefined;
}

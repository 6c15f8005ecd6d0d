import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { contentBytes } from './file-content.ts';
import { buildImageSet, type Examine, imageSetHash } from './image-set.ts';

const file = (path: string, content = path) => ({ path, blob: new Blob([content]) });
const hashOf = (content: string) => createHash('sha256').update(content).digest('hex');

const examine: Examine = async (blob) => {
  const content = new TextDecoder().decode(await contentBytes(blob));
  if (content === 'bad') return { ok: false, reason: 'The file is cut off before its end' };
  return { ok: true, value: { sha256: hashOf(content), width: 2, height: 1 } };
};

describe('buildImageSet', () => {
  it('keeps what can be used, in natural order, and lists the rest with reasons', async () => {
    const progress: string[] = [];
    const set = await buildImageSet(
      [
        file('s/10.png'),
        file('s/2.jpg'),
        file('s/readme.TXT'),
        file('s/3.webp', 'bad'),
        file('s/plain'),
        file('s/2.jpg', 'again'),
      ],
      examine,
      { parallel: 3, onProgress: (done, total) => progress.push(`${done}/${total}`) },
    );
    expect(set.images.map(({ path, width }) => [path, width])).toEqual([
      ['s/2.jpg', 2],
      ['s/10.png', 2],
      ['s/plain', 2],
    ]);
    expect(set.skipped).toEqual([
      { path: 's/2.jpg', reason: 'Another file has the same path' },
      { path: 's/3.webp', reason: 'The file is cut off before its end' },
      { path: 's/readme.TXT', reason: 'Not an image file (.txt)' },
    ]);
    expect(set.bytes).toBe('s/2.jpg'.length + 's/10.png'.length + 's/plain'.length);
    expect(progress.at(-1)).toBe('6/6');
  });

  it('names a set by its paths and contents, not by order or what was skipped', async () => {
    const hash = async (...files: ReturnType<typeof file>[]) => (await buildImageSet(files, examine)).hash;
    const one = await hash(file('a.png', '1'), file('b.png', '2'));
    expect(await hash(file('b.png', '2'), file('c.txt'), file('a.png', '1'))).toBe(one);
    expect(await hash(file('a.png', '2'), file('b.png', '1'))).not.toBe(one);
    expect(await hash(file('a.png', '1'))).not.toBe(one);
    // The definition, by Node's own hash.
    expect(one).toBe(hashOf(`a.png\0${hashOf('1')}\nb.png\0${hashOf('2')}\n`));
  });

  it('takes files of archives, and leaves captions beside images alone', async () => {
    const set = await buildImageSet(
      [
        file('s.tar/1.jpg'),
        file('s.tar/1.txt'),
        file('s.tar/1.json'),
        file('s.tar/2.txt'),
        { path: 's.tar/3.jpg', refused: 'It is encrypted' },
      ],
      examine,
    );
    expect(set.images.map(({ path }) => path)).toEqual(['s.tar/1.jpg']);
    expect(set.skipped).toEqual([
      { path: 's.tar/2.txt', reason: 'Not an image file (.txt)' },
      { path: 's.tar/3.jpg', reason: 'It is encrypted' },
    ]);
  });

  it('looks at no more files at once than asked and stops when cancelled', async () => {
    let running = 0;
    let most = 0;
    const stop = new AbortController();
    let seen = 0;
    const slow: Examine = async (blob) => {
      most = Math.max(most, ++running);
      if (++seen === 5) stop.abort(new Error('enough'));
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
      return examine(blob);
    };
    const files = Array.from({ length: 50 }, (_, i) => file(`${i}.png`));
    await expect(buildImageSet(files, slow, { parallel: 2, signal: stop.signal })).rejects.toThrow('enough');
    expect(most).toBe(2);
    expect(seen).toBeLessThan(8);
  });
});

describe('imageSetHash', () => {
  it('does not tell composed from decomposed letters', async () => {
    expect(await imageSetHash([{ path: 'é', sha256: '0' }])).toBe(
      await imageSetHash([{ path: 'e\u0301', sha256: '0' }]),
    );
  });
});

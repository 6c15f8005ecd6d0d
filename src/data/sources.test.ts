import { describe, expect, it } from 'vitest';
import { filesFromDirectory, filesFromInput, sortNaturally } from './sources.ts';

describe('sortNaturally', () => {
  it('counts numbers and keeps folders together, whatever the order before', () => {
    const paths = ['b/a2', 'b/a10', 'b', 'a10/x', 'a2/y', 'a2/x', 'A2/x', 'a2'];
    const sorted = sortNaturally(paths.map((path) => ({ path }))).map(({ path }) => path);
    expect(sorted).toEqual(['a2', 'a2/x', 'a2/y', 'A2/x', 'a10/x', 'b', 'b/a2', 'b/a10']);
    const again = sortNaturally([...paths].reverse().map((path) => ({ path }))).map(({ path }) => path);
    expect(again).toEqual(sorted);
  });
});

describe('filesFromInput', () => {
  it('takes folder paths where there are some and leaves system files out', () => {
    const file = (name: string, relative = '') =>
      Object.defineProperty(new File(['x'], name), 'webkitRelativePath', { value: relative });
    const files = [
      file('b.png', 'set/b.png'),
      file('.DS_Store', 'set/.DS_Store'),
      file('Thumbs.db'),
      file('a.png'),
    ];
    const more = [file('x.png', '__MACOSX/x.png'), file('y.png', 'set/.cache/y.png')];
    expect(filesFromInput([...files, ...more]).map(({ path }) => path)).toEqual(['a.png', 'set/b.png']);
  });
});

describe('filesFromDirectory', () => {
  const fileHandle = (name: string) =>
    ({ kind: 'file', name, getFile: async () => new File([name], name) }) as FileSystemFileHandle;
  const directoryHandle = (name: string, children: FileSystemHandle[]) =>
    ({
      kind: 'directory',
      name,
      values: async function* () {
        yield* children;
      },
    }) as unknown as FileSystemDirectoryHandle;
  const tree = directoryHandle('set', [
    fileHandle('10.png'),
    directoryHandle('in', [fileHandle('a.jpg'), directoryHandle('empty', [])]),
    fileHandle('9.png'),
  ]);

  it('walks all the way down', async () => {
    let found = 0;
    const files = await filesFromDirectory(tree, { onFound: (count) => (found = count) });
    expect(files.map(({ path }) => path)).toEqual(['set/9.png', 'set/10.png', 'set/in/a.jpg']);
    expect(await files[2]!.blob.text()).toBe('a.jpg');
    expect(found).toBe(3);
  });

  it('stops when cancelled', async () => {
    const stop = new AbortController();
    const walk = filesFromDirectory(tree, {
      onFound: () => stop.abort(new Error('enough')),
      signal: stop.signal,
    });
    await expect(walk).rejects.toThrow('enough');
  });
});

import { expect, it } from 'vitest';
import { captionsBeside } from './captions-beside.ts';

const file = (path: string, content = '') => ({ path, blob: new Blob([content]) });

it('reads the captions of WebDataset shards, whatever the order of their files', async () => {
  const found = await captionsBeside([
    file('a.tar/0001.txt', ' a red cube\n'),
    file('a.tar/0001.jpg'),
    file('a.tar/0002.json', '{"captions": ["one", "two", ""]}'),
    file('a.tar/0002.seg.png'),
    file('b.tar/0001.png'),
    file('b.tar/0001.json', '{"caption": "another", "width": 3}'),
    file('b.tar/0003.webp'),
    file('b.tar/0004.webp'),
    file('b.tar/0004.json', 'broken'),
  ]);
  expect(found?.images).toEqual(['a.tar/0001.jpg', 'a.tar/0002.seg.png', 'b.tar/0001.png']);
  expect(found?.files.map(({ path }) => path)).toEqual(found?.images);
  expect(found?.captions).toEqual(['a red cube', 'one', 'two', 'another']);
  expect(found?.imageOf).toEqual([0, 1, 1, 2]);
});

it('says when there are none', async () => {
  expect(await captionsBeside([file('a.jpg'), file('b.txt', 'x')])).toBeUndefined();
});

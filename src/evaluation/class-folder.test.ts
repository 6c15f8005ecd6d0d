import { describe, expect, it } from 'vitest';
import type { NamedBlob } from '../data/named-blob.ts';
import { readLabelledImages, splitByClass } from './class-folder.ts';

const file = (path: string, content = ''): NamedBlob => ({ path, blob: new Blob([content]) });

describe('readLabelledImages', () => {
  it('takes the folders under the common one as classes, in order, nested images too', async () => {
    const read = await readLabelledImages([
      file('set/val/great_white_shark/deep/1.JPG'),
      file('set/val/ant/2.png'),
      file('set/val/ant/notes.txt'),
      file('set/val/great_white_shark/3.webp'),
    ]);
    expect(read.classes).toEqual(['ant', 'great white shark']);
    expect(read.labels).toEqual([1, 0, 1]);
  });

  it('follows labels.csv where there is one', async () => {
    const read = await readLabelledImages([
      file('set/labels.csv', '\ufeffclass,path\r\nzebra,a/1.jpg\r\n"ant, red",./2.jpg\r\nzebra,2.jpg\r\n'),
      file('set/a/1.jpg'),
      file('set/2.jpg'),
    ]);
    expect(read.classes).toEqual(['zebra', 'ant, red']);
    expect(read.labels).toEqual([0, 1, 0]);
    expect(read.images.map(({ path }) => path)).toEqual(['set/a/1.jpg', 'set/2.jpg', 'set/2.jpg']);
  });

  it('says what is missing', async () => {
    await expect(readLabelledImages([])).rejects.toThrow(/0 images in 0 class folders/);
    await expect(readLabelledImages([file('a/1.jpg')])).rejects.toThrow(/one folder for each class/);
    await expect(readLabelledImages([file('a/1.jpg'), file('b/1.jpg'), file('1.jpg')])).rejects.toThrow(
      /1\.jpg lies beside the class folders/,
    );
    const csv = (text: string) => readLabelledImages([file('labels.csv', text), file('1.jpg')]);
    await expect(csv('')).rejects.toThrow(/columns path,class/);
    await expect(csv('path,class\n2.jpg,a\n')).rejects.toThrow(/line 2: no file 2\.jpg/);
    await expect(csv('path,class\n1.jpg\n')).rejects.toThrow(/line 2: no class/);
    await expect(csv('path,class\n1.jpg,a\n')).rejects.toThrow(/fewer than two/);
  });
});

describe('splitByClass', () => {
  it('keeps the share of every class, both parts holding each, and loses no row', () => {
    const labels = [...Array<number>(10).fill(0), ...Array<number>(2).fill(1), 2];
    const { train, test } = splitByClass(labels, 0.8, () => 0.5);
    expect([...train, ...test].sort((a, b) => a - b)).toEqual([...labels.keys()]);
    const count = (rows: number[]) => [0, 1, 2].map((c) => rows.filter((row) => labels[row] === c).length);
    expect([count(train), count(test)]).toEqual([
      [8, 1, 1],
      [2, 1, 0],
    ]);
  });
});

import { expect, it } from 'vitest';
import { datasetFiles } from './dataset-files.ts';

const files = (...paths: string[]) => paths.map((path) => ({ path }));
const all = files(
  'README.md',
  'a/1.jpg',
  'a/1.txt',
  'a/2.PNG',
  'ab/3.webp',
  'train-0001.tar',
  'test.tar.gz',
  'x.npz',
);

it('takes pictures and archives, of a folder or a file where one is named', () => {
  const chosen = (within?: string) => datasetFiles('t/s', all, within).map(({ path }) => path);
  expect(chosen()).toEqual(['a/1.jpg', 'a/2.PNG', 'ab/3.webp', 'train-0001.tar', 'test.tar.gz']);
  expect(chosen('a')).toEqual(['a/1.jpg', 'a/2.PNG']);
  expect(chosen('a/')).toEqual(['a/1.jpg', 'a/2.PNG']);
  expect(chosen('train-0001.tar')).toEqual(['train-0001.tar']);
});

it('takes what lies beside them too, but not alone', () => {
  const isText = ({ path }: { path: string }) => path.endsWith('.txt') || path.endsWith('.md');
  const chosen = datasetFiles('t/s', all, 'a', isText).map(({ path }) => path);
  expect(chosen).toEqual(['a/1.jpg', 'a/1.txt', 'a/2.PNG']);
  expect(() => datasetFiles('t/s', all, 'README.md', isText)).toThrow(/no image files/);
});

it('says what is there instead', () => {
  const tables = files('README.md', 'data/train-00000-of-00002.parquet', 'data/train-00001-of-00002.parquet');
  expect(() => datasetFiles('t/s', tables)).toThrow(/t\/s holds its images in 2 Parquet.*are not read/);
  expect(() => datasetFiles('t/s', all, 'b')).toThrow(/t\/s\/b holds no image files .* its 0 files/);
});

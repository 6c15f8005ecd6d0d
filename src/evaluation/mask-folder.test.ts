import { expect, it } from 'vitest';
import { maskLabels, readMaskFolder } from './mask-folder.ts';
import { ignored } from './segmentation.ts';

const file = (path: string, text = path) => ({ path, blob: new Blob([text]) });

it('reads VOC’s colours as its development kit lists them', () => {
  // Background, aeroplane, bicycle, bottle, person, TV monitor, border.
  const colours = [
    [0, 0, 0],
    [128, 0, 0],
    [0, 128, 0],
    [128, 0, 128],
    [192, 128, 128],
    [0, 64, 128],
    [224, 224, 192],
  ];
  const [red, green, blue] = [0, 1, 2].map((c) => colours.map((colour) => colour[c]!));
  expect([...maskLabels('VOC', red!, green!, blue!)]).toEqual([ignored, 0, 1, 4, 14, 19, ignored]);
});

it('counts ADE’s classes from 1', () => {
  const values = [0, 1, 150];
  expect([...maskLabels('ADE', values, values, values)]).toEqual([ignored, 0, 149]);
});

it('finds pictures by their masks in both layouts, and names what is missing', async () => {
  const voc = await readMaskFolder([
    file('VOC2012/JPEGImages/a.jpg'),
    file('VOC2012/JPEGImages/b.jpg'),
    file('VOC2012/SegmentationClass/a.png'),
  ]);
  expect(voc).toMatchObject({ layout: 'VOC', pairs: [{ image: { path: 'VOC2012/JPEGImages/a.jpg' } }] });
  expect(voc.classes).toHaveLength(20);
  const ade = [file('d/images/validation/x.jpg'), file('d/annotations/validation/x.png')];
  const info = file(
    'd/objectInfo150.txt',
    'Idx\tRatio\tTrain\tVal\tName\n1\t0.1\t9\t1\twall\n2\t0.1\t9\t1\tbuilding, edifice\n',
  );
  expect((await readMaskFolder([...ade, info])).classes).toEqual(['wall', 'building']);
  await expect(readMaskFolder(ade)).rejects.toThrow(/objectInfo150\.txt is missing/);
  await expect(readMaskFolder([file('VOC/SegmentationClass/q.png')])).rejects.toThrow(
    /no picture JPEGImages\/q\.jpg/,
  );
  await expect(readMaskFolder([])).rejects.toThrow(/VOC’s layout/);
});

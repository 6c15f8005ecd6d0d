import { describe, expect, it } from 'vitest';
import { maskClasses, readMaskedImages } from './segmentation-folder.ts';

describe('folders with masks', () => {
  const file = (path: string, text = '') => ({ path, blob: new Blob([text]) });

  it('reads VOC’s layout, images without masks left out', async () => {
    const read = await readMaskedImages([
      file('VOC2012/JPEGImages/a.jpg'),
      file('VOC2012/JPEGImages/b.jpg'),
      file('VOC2012/SegmentationClass/b.png'),
    ]);
    expect(read).toMatchObject({ layout: 'VOC', images: [{ path: 'VOC2012/JPEGImages/b.jpg' }] });
    expect([read.classes.length, read.classes[15]]).toEqual([21, 'person']);
  });

  it('reads ADE’s layout with its list of names', async () => {
    const list =
      'Idx\tRatio\tTrain\tVal\tStuff\tName\n1\t0.1\t5\t6\t1\twall\n2\t0.1\t5\t6\t0\tbuilding, edifice\n';
    const files = [
      file('ADE/images/validation/x.jpg'),
      file('ADE/annotations/validation/x.png'),
      file('ADE/objectInfo150.txt', list),
    ];
    expect(await readMaskedImages(files)).toMatchObject({ layout: 'ADE', classes: ['wall', 'building'] });
    await expect(readMaskedImages(files.slice(0, 2))).rejects.toThrow(/labels\.txt/);
    await expect(readMaskedImages(files.slice(0, 1))).rejects.toThrow(/JPEGImages and SegmentationClass/);
  });

  it('reads the numbers and colours of masks', () => {
    const mask = (...pixels: number[][]) => ({
      width: pixels.length,
      height: 1,
      data: Uint8Array.from(pixels.flat()),
    });
    // The colours that VOC's kit publishes: background, aeroplane, bicycle, person, television, border.
    const colours = [
      [0, 0, 0],
      [128, 0, 0],
      [0, 128, 0],
      [192, 128, 128],
      [0, 64, 128],
      [224, 224, 192],
    ];
    expect([...maskClasses(mask(...colours), 'VOC', 'm.png')]).toEqual([0, 1, 2, 15, 20, 255]);
    expect([...maskClasses(mask([0, 0, 0], [1, 1, 1], [150, 150, 150]), 'ADE', 'm.png')]).toEqual([
      255, 0, 149,
    ]);
    expect(() => maskClasses(mask([1, 2, 3]), 'ADE', 'm.png')).toThrow(/m\.png: the colour 1,2,3/);
  });
});

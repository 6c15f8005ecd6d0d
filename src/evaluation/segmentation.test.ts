import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ignored, SegmentationTally, segment } from './segmentation.ts';

/** By PyTorch and scikit-learn: tools/reference/segmentation.py. */
interface Expected {
  grid: number;
  classes: number;
  width: number;
  height: number;
  heads: number[];
  pictures: { tokens: number[]; labels: number[]; mask: number[] }[];
  iou: number[];
  meanIou: number;
  pixelAccuracy: number;
}
const fixture = new URL('../../tools/reference/fixtures/segmentation.json', import.meta.url);
const expected = JSON.parse(readFileSync(fixture, 'utf8')) as Expected;

it('labels every pixel as PyTorch does and scores as scikit-learn does', () => {
  const { grid, classes, width, height, heads, pictures } = expected;
  const table = { rows: classes, width: heads.length / classes, values: Float32Array.from(heads) };
  const tally = new SegmentationTally(classes);
  for (const { tokens, labels, mask } of pictures) {
    const mine = segment(Float32Array.from(tokens), grid, table, { width, height });
    expect([...mine]).toEqual(labels);
    tally.add(mine, Uint8Array.from(mask));
  }
  const score = tally.score();
  for (const [c, iou] of expected.iou.entries()) expect(score.iou[c]).toBeCloseTo(iou, 10);
  expect(score.meanIou).toBeCloseTo(expected.meanIou, 10);
  expect(score.pixelAccuracy).toBeCloseTo(expected.pixelAccuracy, 10);
});

it('leaves out classes that occur nowhere, and says what cannot be scored', () => {
  const tally = new SegmentationTally(3);
  expect(() => tally.score()).toThrow(/no labelled pixel/);
  tally.add(Uint8Array.of(0, 0, 2), Uint8Array.of(0, 2, ignored));
  expect(tally.score()).toEqual({ iou: [50, undefined, 0], meanIou: 25, pixelAccuracy: 50 });
  expect(() => tally.add(Uint8Array.of(0), Uint8Array.of(3))).toThrow(/class 3, but there are 3/);
});

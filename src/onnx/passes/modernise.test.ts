import { describe, expect, it } from 'vitest';
import { float } from '../builder.ts';
import type { Model, Node, Tensor } from '../model.ts';
import { specialise } from '../specialise.ts';
import { tensorOf } from '../tensors.ts';
import { difference, feedsFor, operatorCounts, run } from '../testing/exported-models.ts';
import { modelOf, node } from '../testing/hand-made.ts';

const i64 = (...values: number[]): Tensor => tensorOf('int64', [values.length], values);
const f32 = (...values: number[]): Tensor => tensorOf('float32', [values.length], values);

interface OldForm {
  readonly nodes: readonly Node[];
  readonly opset: number;
  readonly shape?: readonly number[];
  readonly initializers?: Readonly<Record<string, Tensor>>;
  /** Operators of the graph in today's forms; left out where they are lowered further. */
  readonly becomes?: Readonly<Record<string, number>>;
}

const channels = { one: f32(1, 2, 3, 4), two: f32(0.5, -1, 0, 2), three: f32(1, 1.5, 2, 0.25) };

const forms: Readonly<Record<string, OldForm>> = {
  'Clip with attributes': {
    nodes: [node('Clip', ['x'], ['y'], { min: float(-0.25), max: float(0.5) })],
    opset: 10,
    becomes: { Clip: 1 },
  },
  'Clip with one bound': {
    nodes: [node('Clip', ['x'], ['y'], { max: float(0.5) })],
    opset: 9,
    becomes: { Clip: 1 },
  },
  'Pad with attributes': {
    nodes: [node('Pad', ['x'], ['y'], { pads: [0, 0, 1, 2, 0, 1, 0, 3], value: float(1.5) })],
    opset: 10,
    becomes: { Pad: 1 },
  },
  'Pad by reflection': {
    nodes: [node('Pad', ['x'], ['y'], { pads: [0, 0, 1, 2, 0, 0, 1, 3], mode: 'reflect' })],
    opset: 10,
    becomes: { Pad: 1 },
  },
  'Slice with attributes': {
    nodes: [node('Slice', ['x'], ['y'], { starts: [1, -3], ends: [4, 2 ** 31], axes: [1, 3] })],
    opset: 9,
    becomes: { Slice: 1 },
  },
  'Squeeze and Unsqueeze with attributes': {
    nodes: [
      node('Unsqueeze', ['x'], ['u'], { axes: [0, 3] }),
      node('Squeeze', ['u'], ['s'], { axes: [0] }),
      node('Neg', ['s'], ['y']),
    ],
    opset: 11,
    becomes: { Unsqueeze: 1, Squeeze: 1, Neg: 1 },
  },
  'ReduceSum with attributes': {
    nodes: [node('ReduceSum', ['x'], ['y'], { axes: [1, -1], keepdims: 0 })],
    opset: 11,
    becomes: { ReduceSum: 1 },
  },
  'ReduceMean with attributes': {
    nodes: [node('ReduceMean', ['x'], ['m'], { axes: [-1] }), node('ReduceMax', ['m'], ['y'])],
    opset: 17,
    becomes: { ReduceMean: 1, ReduceMax: 1 },
  },
  'Split with attributes': {
    nodes: [
      node('Split', ['x'], ['a', 'b'], { axis: 1, split: [1, 3] }),
      node('Concat', ['b', 'a'], ['y'], { axis: 1 }),
    ],
    opset: 11,
    becomes: { Split: 1, Concat: 1 },
  },
  'Split into equal parts': {
    nodes: [node('Split', ['x'], ['a', 'b'], { axis: -1 }), node('Sub', ['a', 'b'], ['y'])],
    opset: 13,
    becomes: { Split: 1, Sub: 1 },
  },
  'Softmax over flattened axes': {
    nodes: [node('Softmax', ['x'], ['y'], { axis: 2 })],
    opset: 11,
    becomes: { Reshape: 2, Softmax: 1 },
  },
  'Softmax with its old default axis': {
    nodes: [
      node('Softmax', ['x'], ['s']),
      node('LogSoftmax', ['x'], ['l'], { axis: 3 }),
      node('Add', ['s', 'l'], ['y']),
    ],
    opset: 11,
    becomes: { Reshape: 2, Softmax: 1, LogSoftmax: 1, Add: 1 },
  },
  'Dropout for inference': {
    nodes: [node('Dropout', ['x'], ['d'], { ratio: float(0.4) }), node('Neg', ['d'], ['y'])],
    opset: 10,
    becomes: { Neg: 1 },
  },
  'TopK with an attribute': {
    nodes: [node('TopK', ['x'], ['y', 'at'], { k: 2, axis: 2 })],
    opset: 9,
    becomes: { TopK: 1 },
  },
  'BatchNormalization for inference': {
    nodes: [node('BatchNormalization', ['x', 'one', 'two', 'two', 'three'], ['y'], { epsilon: float(1e-3) })],
    opset: 9,
    initializers: channels,
    becomes: { BatchNormalization: 1 },
  },
  'GroupNormalization by groups': {
    nodes: [node('GroupNormalization', ['x', 'scale', 'bias'], ['y'], { num_groups: 2 })],
    opset: 18,
    initializers: { scale: f32(2, -1), bias: f32(0.5, 3) },
  },
  'Upsample by nearest': {
    nodes: [node('Upsample', ['x', 'scales'], ['y'], { mode: 'nearest' })],
    opset: 9,
    initializers: { scales: f32(1, 1, 2, 1.5) },
    becomes: { Resize: 1 },
  },
  'Upsample linearly': {
    nodes: [node('Upsample', ['x', 'scales'], ['y'], { mode: 'linear' })],
    opset: 9,
    initializers: { scales: f32(1, 1, 2, 2) },
    becomes: { Resize: 1 },
  },
  'Resize of opset 10, down': {
    nodes: [node('Resize', ['x', 'scales'], ['y'], { mode: 'nearest' })],
    opset: 10,
    initializers: { scales: f32(1, 1, 0.6, 0.5) },
    becomes: { Resize: 1 },
  },
  'Resize with empty lists': {
    nodes: [
      node('Resize', ['x', 'none', 'none', 'sizes'], ['y'], {
        mode: 'linear',
        coordinate_transformation_mode: 'align_corners',
      }),
    ],
    opset: 11,
    initializers: { none: f32(), sizes: i64(2, 4, 7, 5) },
    becomes: { Resize: 1 },
  },
  'Scatter, renamed': {
    nodes: [node('Scatter', ['x', 'at', 'new'], ['y'], { axis: 1 })],
    opset: 10,
    initializers: {
      at: tensorOf('int64', [1, 2, 1, 2], [3, 0, 1, 2]),
      new: tensorOf('float32', [1, 2, 1, 2], [9, 8, 7, 6]),
    },
    becomes: { ScatterElements: 1 },
  },
  'RoiAlign with its old coordinates': {
    nodes: [node('RoiAlign', ['x', 'rois', 'batch'], ['y'], { output_height: 2, output_width: 2 })],
    opset: 10,
    initializers: { rois: tensorOf('float32', [1, 4], [0.5, 0.5, 3.2, 2.6]), batch: i64(1) },
    becomes: { RoiAlign: 1 },
  },
  'GridSample with old mode names': {
    nodes: [node('GridSample', ['x', 'grid'], ['y'], { mode: 'bilinear' })],
    opset: 16,
    initializers: { grid: tensorOf('float32', [2, 1, 2, 2], [-0.5, 0.2, 0.1, 0.9, 0, 0, 1, -1]) },
    becomes: { GridSample: 1 },
  },
};

const modelFor = ({ nodes, opset, initializers = {}, shape = [2, 4, 5, 6] }: OldForm): Model =>
  modelOf(
    {
      inputs: { x: ['float32', ...shape] },
      initializers,
      nodes,
      outputs: ['y'],
      outputTypes: { y: 'float32' },
    },
    opset,
  );

describe('forms of old operator sets, rewritten', () => {
  for (const [name, form] of Object.entries(forms)) {
    it(`give the same in onnxruntime: ${name}`, async () => {
      const model = modelFor(form);
      const graph = await specialise(model);
      expect(graph.opset).toBe(21);
      if (form.becomes) expect(operatorCounts(graph)).toEqual(form.becomes);
      const feeds = feedsFor(new Map([['x', graph.types.get('x')!]]));
      expect(difference(await run(model, feeds), await run(graph, feeds))).toBeLessThanOrEqual(1e-6);
    });
  }

  it('are refused where there is no equivalent', async () => {
    const training = modelFor({
      nodes: [node('BatchNormalization', ['x', 'one', 'two', 'two', 'three'], ['y', 'mean', 'variance'])],
      opset: 9,
      initializers: channels,
    });
    training.graph.outputs.push({ name: 'mean', dtype: 'float32' });
    await expect(specialise(training)).rejects.toThrow(/training mode has no equivalent.*evaluation mode/);
    const mixed = modelFor({
      nodes: [node('Resize', ['x', 'scales'], ['y'])],
      opset: 10,
      initializers: { scales: f32(1, 1, 2, 0.5) },
    });
    await expect(specialise(mixed)).rejects.toThrow(/both up and down/);
  });
});

import type { GraphBuilder } from '../../onnx/builder.ts';
import { sizeOf } from '../../onnx/data-types.ts';
import { intsOf, tensorOf } from '../../onnx/tensors.ts';
import type { RuleContext, RuleTable } from '../rule.ts';
import { reshape } from '../unbroadcast.ts';
import { axisOf, cast, filled } from './expressions.ts';
import { ungatherConstant } from './gather-constant.ts';

export const gatherScatter: RuleTable = {
  Gather: (c) => {
    const axis = axisOf(c.int('axis', 0), c.shape(0).length);
    const indices = c.constant(1);
    const fixed = indices && ungatherConstant(c, axis, intsOf(indices));
    return [fixed ?? ungather(c, axis)];
  },

  GatherElements: (c) => [
    accumulated(c.b, c.grad, c.shape(0), (zeros, updates) =>
      c.b.op('ScatterElements', [zeros, c.inputs[1]!, updates], { axis: c.int('axis', 0), reduction: 'add' }),
    ),
  ],

  GatherND: (c) => {
    const indices = withBatchCoordinates(c);
    return [
      accumulated(c.b, c.grad, c.shape(0), (zeros, updates) =>
        c.b.op('ScatterND', [zeros, indices, updates], { reduction: 'add' }),
      ),
    ];
  },

  ScatterElements: (c) => {
    const { b, grad } = c;
    const indices = c.inputs[1]!;
    const axis = c.int('axis', 0);
    const overwrites = overwriting(c);
    const kept = () => {
      const zeros = filled(b, 0, b.dtype(grad), c.shape(1));
      return overwrites ? b.op('ScatterElements', [grad, indices, zeros], { axis }) : grad;
    };
    return [
      c.wants(0) ? kept() : undefined,
      undefined,
      c.wants(2) ? b.op('GatherElements', [grad, indices], { axis }) : undefined,
    ];
  },

  ScatterND: (c) => {
    const { b, grad } = c;
    const indices = c.inputs[1]!;
    const overwrites = overwriting(c);
    const kept = () =>
      overwrites ? b.op('ScatterND', [grad, indices, filled(b, 0, b.dtype(grad), c.shape(2))]) : grad;
    return [
      c.wants(0) ? kept() : undefined,
      undefined,
      c.wants(2) ? b.op('GatherND', [grad, indices]) : undefined,
    ];
  },

  // The places are distinct, so nothing needs adding up.
  TopK: (c) => {
    const zeros = filled(c.b, 0, c.b.dtype(c.grad), c.shape(0));
    const axis = c.int('axis', -1);
    return [c.b.op('ScatterElements', [zeros, c.outputs[1]!, c.grad], { axis })];
  },
};

/**
 * The gradient of a Gather whose indices are known only at run time (token embeddings): rows are added up at their
 * places. ScatterND takes one index a row where the axis is the first that counts; elsewhere ScatterElements takes
 * one an element.
 */
function ungather(c: RuleContext, axis: number): string {
  const { b } = c;
  const shape = c.shape(0);
  const count = sizeOf(c.shape(1));
  const outer = sizeOf(shape.slice(0, axis));
  const inner = sizeOf(shape.slice(axis + 1));
  const size = shape[axis]!;
  if (outer === 1) {
    const rows = reshape(b, c.inputs[1]!, [count, 1]);
    const sums = accumulated(b, reshape(b, c.grad, [count, inner]), [size, inner], (zeros, updates) =>
      b.op('ScatterND', [zeros, rows, updates], { reduction: 'add' }),
    );
    return reshape(b, sums, shape);
  }
  const column = reshape(b, c.inputs[1]!, [1, count, 1]);
  const places = b.op('Expand', [column, b.ints([outer, count, inner])]);
  const updates = reshape(b, c.grad, [outer, count, inner]);
  const sums = accumulated(b, updates, [outer, size, inner], (zeros, values) =>
    b.op('ScatterElements', [zeros, places, values], { axis: 1, reduction: 'add' }),
  );
  return reshape(b, sums, shape);
}

/** Adds up into zeros, in f32 for f16 gradients: the WebGPU provider has no f16 atomics. */
function accumulated(
  b: GraphBuilder,
  grad: string,
  shape: readonly number[],
  scatter: (zeros: string, updates: string) => string,
): string {
  const dtype = b.dtype(grad);
  const wide = dtype === 'float16' ? 'float32' : dtype;
  return cast(b, scatter(filled(b, 0, wide, shape), cast(b, grad, wide)), dtype);
}

/** ScatterND has no batch axes: GatherND's are written out as leading coordinates of its indices. */
function withBatchCoordinates(c: RuleContext): string {
  const { b } = c;
  const batchAxes = c.int('batch_dims', 0);
  if (batchAxes === 0) return c.inputs[1]!;
  const shape = c.shape(1).with(-1, batchAxes);
  const batch = shape.slice(0, batchAxes);
  const inside = sizeOf(shape.slice(batchAxes, -1));
  const coordinates = Array.from({ length: sizeOf(shape) }, (_, i) => {
    const axis = i % batchAxes;
    const place = Math.floor(i / batchAxes / inside);
    return Math.floor(place / sizeOf(batch.slice(axis + 1))) % batch[axis]!;
  });
  const lead = b.shared(tensorOf('int64', shape, coordinates));
  return b.op('Concat', [lead, c.inputs[1]!], { axis: -1 });
}

/** Whether a scatter replaces what was there; refuses the reductions that multiply or compare. */
function overwriting(c: RuleContext): boolean {
  const reduction = c.string('reduction', 'none');
  if (reduction === 'none') return true;
  if (reduction === 'add') return false;
  return c.refuse(
    `${c.node.op} with reduction "${reduction}" has no derivative rule`,
    'Use reduction none or add, or write it with other operators',
  );
}

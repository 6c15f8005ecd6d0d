import { intsOf } from '../../onnx/tensors.ts';
import type { RuleContext, RuleTable } from '../rule.ts';
import { axisOf, filled } from './expressions.ts';
import { accumulated, ungather, ungatherBatches } from './ungather.ts';
import { ungatherConstant } from './ungather-constant.ts';

export const gatherScatter: RuleTable = {
  Gather: (c) => {
    const axis = axisOf(c.int('axis', 0), c.shape(0).length);
    const indices = c.constant(1);
    if (!indices) return [ungather(c, axis)];
    const rows = intsOf(indices);
    return [ungatherConstant(c, axis, rows) ?? ungather(c, axis, rows)];
  },

  GatherElements: (c) => [
    accumulated(c.b, c.grad, c.shape(0), (zeros, updates) =>
      c.b.op('ScatterElements', [zeros, c.inputs[1]!, updates], { axis: c.int('axis', 0), reduction: 'add' }),
    ),
  ],

  GatherND: (c) => {
    const batchAxes = c.int('batch_dims', 0);
    if (batchAxes > 0) return [ungatherBatches(c, batchAxes)];
    return [
      accumulated(c.b, c.grad, c.shape(0), (zeros, updates) =>
        c.b.op('ScatterND', [zeros, c.inputs[1]!, updates], { reduction: 'add' }),
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

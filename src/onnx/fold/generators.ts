import { attributeOf } from '../attributes.ts';
import { sizeOf } from '../data-types.ts';
import type { Node, Tensor } from '../model.ts';
import { tensorOf } from '../tensors.ts';
import { count, stridesOf, take } from './arrays.ts';
import type { Evaluator, EvaluatorTable } from './context.ts';

/** The tensor that a Constant node holds, whatever attribute it is in; undefined when it has none. */
export function constantTensor(node: Node): Tensor | undefined {
  const tensor = attributeOf(node, 'value', 'tensor')?.value;
  if (tensor) return tensor;
  const one = attributeOf(node, 'value_float', 'float')?.value;
  if (one !== undefined) return tensorOf('float32', [], [one]);
  const int = attributeOf(node, 'value_int', 'int')?.value;
  if (int !== undefined) return tensorOf('int64', [], [int]);
  const floats = attributeOf(node, 'value_floats', 'floats')?.value;
  if (floats) return tensorOf('float32', [floats.length], floats);
  const ints = attributeOf(node, 'value_ints', 'ints')?.value;
  if (ints) return tensorOf('int64', [ints.length], ints);
  const text = attributeOf(node, 'value_string', 'string')?.value;
  const texts = attributeOf(node, 'value_strings', 'strings')?.value;
  if (text === undefined && !texts) return undefined;
  const values = texts ?? [text ?? ''];
  return { dtype: 'string', shape: texts ? [texts.length] : [], data: { kind: 'strings', values } };
}

const constantOfShape: Evaluator = (c) => {
  const { dtype, shape } = c.out();
  const value = attributeOf(c.node, 'value', 'tensor')?.value ?? tensorOf(dtype, [1], [0]);
  return [take(value, shape, new Float64Array(sizeOf(shape)))];
};

const range: Evaluator = (c) => {
  const { dtype, shape } = c.out();
  const [start, delta] = [c.numbers(0)[0]!, c.numbers(2)[0]!];
  return [
    tensorOf(
      dtype,
      shape,
      count(shape[0]!).map((i) => start + i * delta),
    ),
  ];
};

const eyeLike: Evaluator = (c) => {
  const { dtype, shape } = c.out();
  const [width] = stridesOf(shape);
  const k = c.int('k', 0);
  return [
    tensorOf(
      dtype,
      shape,
      count(sizeOf(shape)).map((i) => Number((i % width!) - Math.floor(i / width!) === k)),
    ),
  ];
};

export const generators: EvaluatorTable = {
  Constant: (c) => {
    const tensor = constantTensor(c.node);
    return tensor && [tensor];
  },
  ConstantOfShape: constantOfShape,
  EyeLike: eyeLike,
  Range: range,
};

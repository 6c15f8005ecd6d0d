import { readFileSync } from 'node:fs';
import type { Attribute, DataType, Node, Tensor, TensorType } from '../model.ts';
import { tensorOf } from '../tensors.ts';

/** One operator applied to given inputs; made by tools/reference/operator_cases.py. */
export interface OperatorCase {
  readonly node: Node;
  readonly opset: number;
  /** Undefined where omitted; without elements where only the type matters. */
  readonly inputs: readonly (TensorType | Tensor | undefined)[];
  /** With elements unless the case is about types alone. */
  readonly outputs: readonly (TensorType | Tensor)[];
}

interface Spelled {
  readonly dtype: DataType;
  readonly shape: readonly number[];
  readonly values?: readonly (number | string | boolean)[];
}

interface SpelledCase {
  readonly op: string;
  readonly domain?: string;
  readonly opset: number;
  readonly attributes: Readonly<Record<string, Attribute | { type: 'tensor'; value: Spelled }>>;
  readonly inputs: readonly (Spelled | null)[];
  readonly outputs: readonly Spelled[];
}

/** The cases in `fixtures/specialise/operators.json`. */
export function operatorCases(): OperatorCase[] {
  const file = new URL('../fixtures/specialise/operators.json', import.meta.url);
  const cases: readonly SpelledCase[] = JSON.parse(readFileSync(file, 'utf8'));
  return cases.map((c) => {
    const attributes = Object.entries(c.attributes).map(([name, attribute]): [string, Attribute] => [
      name,
      attribute.type === 'tensor' && 'values' in attribute.value
        ? { type: 'tensor', value: full(attribute.value) }
        : (attribute as Attribute),
    ]);
    const node: Node = {
      name: 'node',
      op: c.op,
      domain: c.domain ?? '',
      inputs: c.inputs.map((input, i) => (input ? `x${i}` : '')),
      outputs: c.outputs.map((_, i) => `y${i}`),
      attributes: Object.fromEntries(attributes),
    };
    const inputs = c.inputs.map((input) => (input ? read(input) : undefined));
    return { node, opset: c.opset, inputs, outputs: c.outputs.map(read) };
  });
}

const read = (spelled: Spelled): TensorType | Tensor => (spelled.values ? full(spelled) : spelled);

const full = ({ dtype, shape, values = [] }: Spelled): Tensor => tensorOf(dtype, shape, values.map(Number));

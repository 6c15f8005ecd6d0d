import type { Attribute, DataType, Dimension, Graph, Model, Node, Tensor } from '../model.ts';

/** Attributes as tests write them: whole numbers and lists of them, strings, everything else spelled out. */
type Attributes = Readonly<Record<string, number | string | readonly number[] | Attribute>>;

export function node(
  op: string,
  inputs: string[],
  outputs: string[],
  attributes: Attributes = {},
  domain = '',
): Node {
  const spelled = Object.entries(attributes).map(([name, value]): [string, Attribute] => {
    if (typeof value === 'number') return [name, { type: 'int', value }];
    if (typeof value === 'string') return [name, { type: 'string', value }];
    return [name, 'type' in value ? value : { type: 'ints', value }];
  });
  return {
    name: `${op}:${outputs[0]}`,
    op,
    domain,
    inputs,
    outputs,
    attributes: Object.fromEntries(spelled),
  };
}

export interface GraphParts {
  /** Declared types, such as `['float32', 'batch', 3]`; an element type alone leaves the shape open. */
  readonly inputs?: Readonly<Record<string, readonly [DataType, ...Dimension[]]>>;
  readonly initializers?: Readonly<Record<string, Tensor>>;
  readonly nodes: readonly Node[];
  /** Names; their types are left open unless given. */
  readonly outputs: readonly string[];
  readonly outputTypes?: Readonly<Record<string, DataType>>;
}

export function graphOf({
  inputs = {},
  initializers = {},
  nodes,
  outputs,
  outputTypes = {},
}: GraphParts): Graph {
  return {
    name: 'hand-made',
    nodes: [...nodes],
    inputs: Object.entries(inputs).map(([name, [dtype, ...shape]]) => ({ name, dtype, shape })),
    outputs: outputs.map((name) => (outputTypes[name] ? { name, dtype: outputTypes[name] } : { name })),
    initializers: new Map(Object.entries(initializers)),
    valueInfo: new Map(),
  };
}

export function modelOf(parts: GraphParts, opset = 21): Model {
  return {
    irVersion: 8,
    opsets: new Map([['', opset]]),
    producer: { name: 'tests', version: '' },
    metadata: new Map(),
    graph: graphOf(parts),
    functions: [],
  };
}

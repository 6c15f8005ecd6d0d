import { describe, expect, it } from 'vitest';
import type { Node, Tensor } from '../model.ts';
import { specialise } from '../specialise.ts';
import { tensorOf } from '../tensors.ts';
import { difference, feedsFor, operatorCounts, run } from '../testing/exported-models.ts';
import { modelOf, node } from '../testing/hand-made.ts';
import { fuseGelu } from './fuse-gelu.ts';

const scalar = (value: number): Tensor => tensorOf('float32', [], [value]);

const initializers = {
  half: scalar(0.5),
  one: scalar(1),
  two: scalar(2),
  three: scalar(3),
  root2: scalar(Math.SQRT2),
  over: scalar(Math.SQRT1_2),
  inner: scalar(Math.sqrt(2 / Math.PI)),
  cubic: scalar(0.044715),
};

const bias = tensorOf('float32', [5], [0.1, 0.2, 0.3, 0.4, 0.5]);

async function fused(nodes: readonly Node[]) {
  const outputTypes = { y: 'float32' } as const;
  const parts = { inputs: { raw: ['float32', 3, 5] as const }, outputs: ['y'], outputTypes };
  // What is activated is a sum itself, as after a linear layer: it must not be taken apart.
  const all = [node('Add', ['raw', 'bias'], ['x']), ...nodes];
  const before = await specialise(modelOf({ ...parts, initializers: { ...initializers, bias }, nodes: all }));
  const after = fuseGelu(before);
  const feeds = feedsFor(new Map([['raw', before.types.get('raw')!]]));
  expect(difference(await run(before, feeds), await run(after, feeds))).toBeLessThanOrEqual(1e-6);
  const gelu = after.nodes.find((n) => n.op === 'Gelu');
  const { approximate } = gelu?.attributes ?? {};
  return {
    counts: operatorCounts(after),
    form: approximate?.type === 'string' ? approximate.value : undefined,
    gelu,
  };
}

const exact = [
  node('Div', ['x', 'root2'], ['z']),
  node('Erf', ['z'], ['e']),
  node('Add', ['e', 'one'], ['s']),
];
const cube = [
  node('Pow', ['x', 'three'], ['x3']),
  node('Mul', ['x3', 'cubic'], ['c']),
  node('Add', ['x', 'c'], ['p']),
  node('Mul', ['p', 'inner'], ['z']),
];
const approximate = [node('Tanh', ['z'], ['t']), node('Add', ['one', 't'], ['s'])];

describe('fuseGelu', () => {
  it('joins the exact form, whatever the order of its products', async () => {
    const orders: Record<string, Node[]> = {
      'x (1 + erf) / 2': [...exact, node('Mul', ['x', 's'], ['m']), node('Mul', ['m', 'half'], ['y'])],
      '(x / 2) (1 + erf)': [node('Mul', ['x', 'half'], ['h']), ...exact, node('Mul', ['h', 's'], ['y'])],
      'x ((1 + erf) / 2)': [...exact, node('Mul', ['half', 's'], ['m']), node('Mul', ['m', 'x'], ['y'])],
      'divided by 2': [...exact, node('Mul', ['x', 's'], ['m']), node('Div', ['m', 'two'], ['y'])],
    };
    for (const [order, nodes] of Object.entries(orders)) {
      const { counts, form, gelu } = await fused(nodes);
      expect([order, counts, form]).toEqual([order, { Add: 1, Gelu: 1 }, 'none']);
      expect(gelu?.inputs).toEqual(['x']);
    }
    const multiplied = exact.with(0, node('Mul', ['over', 'x'], ['z']));
    const { counts } = await fused([
      ...multiplied,
      node('Mul', ['x', 's'], ['m']),
      node('Mul', ['m', 'half'], ['y']),
    ]);
    expect(counts).toEqual({ Add: 1, Gelu: 1 });
  });

  it('joins the tanh form, whatever way its polynomial is written', async () => {
    const end = [...approximate, node('Mul', ['x', 'half'], ['h']), node('Mul', ['h', 's'], ['y'])];
    const factored = [
      node('Mul', ['x', 'x'], ['x2']),
      node('Mul', ['cubic', 'x2'], ['c']),
      node('Add', ['c', 'one'], ['q']),
      node('Mul', ['x', 'inner'], ['i']),
      node('Mul', ['i', 'q'], ['z']),
    ];
    for (const nodes of [cube, factored]) {
      const { counts, form } = await fused([...nodes, ...end]);
      expect([counts, form]).toEqual([{ Add: 1, Gelu: 1 }, 'tanh']);
    }
  });

  it('leaves alone what only looks alike', async () => {
    const end = [node('Mul', ['x', 's'], ['m']), node('Mul', ['m', 'half'], ['y'])];
    const untouched = async (nodes: readonly Node[]) => expect((await fused(nodes)).gelu).toBeUndefined();
    await untouched([...exact.with(0, node('Div', ['x', 'two'], ['z'])), ...end]);
    await untouched([...exact.with(2, node('Add', ['e', 'half'], ['s'])), ...end]);
    await untouched([...exact, node('Mul', ['raw', 's'], ['m']), node('Mul', ['m', 'half'], ['y'])]);
    await untouched([...exact, node('Mul', ['x', 's'], ['m']), node('Mul', ['m', 'two'], ['y'])]);
    await untouched([...cube.with(1, node('Mul', ['x3', 'half'], ['c'])), ...approximate, ...end]);
  });
});

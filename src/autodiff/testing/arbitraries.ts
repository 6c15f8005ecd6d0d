import fc from 'fast-check';
import type { GraphBuilder, PlainAttributes } from '../../onnx/builder.ts';
import { sizeOf } from '../../onnx/data-types.ts';
import type { Attribute } from '../../onnx/model.ts';
import type { CaseInput, GradientCase } from './case.ts';

/** Cases by operator; a space and a word tell variants of one operator apart: `Pow constant`. */
export type CaseTable = Readonly<Record<string, fc.Arbitrary<GradientCase>>>;

/** Central differences take four runs an element: shapes stay below this. */
const mostElements = 36;

export const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 });

/** A shape of few elements. Axes of size one are common enough to meet the special cases they make. */
export function shapes(minRank = 0, maxRank = 4, minSize = 1): fc.Arbitrary<number[]> {
  return fc
    .array(fc.integer({ min: minSize, max: 4 }), { minLength: minRank, maxLength: maxRank })
    .filter((shape) => sizeOf(shape) <= mostElements);
}

/** `count` shapes that broadcast together: some leading axes dropped, some axes set to one. */
export function broadcastable(count: number, minRank = 0): fc.Arbitrary<number[][]> {
  return shapes(minRank, 3).chain((shape) =>
    fc.array(
      fc
        .tuple(
          fc.integer({ min: 0, max: shape.length }),
          fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
        )
        .map(([dropped, ones]) => shape.map((size, i) => (ones[i] ? 1 : size)).slice(dropped)),
      { minLength: count, maxLength: count },
    ),
  );
}

/** An axis of a rank, counted from either end. */
export function axisIn(rank: number): fc.Arbitrary<number> {
  return fc.integer({ min: -rank, max: rank - 1 });
}

/** The case of a single node on the given inputs. */
export function single(
  op: string,
  inputs: readonly CaseInput[],
  seed: number,
  attributes: PlainAttributes = {},
): GradientCase {
  return {
    label: labelOf(op, inputs, attributes),
    inputs,
    seed,
    build: (b, names) => nodeOf(b, op, names, attributes),
  };
}

/** Appends a node of any domain, `com.microsoft::QuickGelu`; outside the standard one attributes are spelled out. */
export function nodeOf(
  b: GraphBuilder,
  key: string,
  inputs: readonly string[],
  attributes: PlainAttributes,
): string {
  const [domain, op] = key.includes('::') ? (key.split('::') as [string, string]) : ['', key];
  // The one operator here whose second output may not be left out.
  if (key === 'TopK') return b.ops(op, inputs, attributes, 2)[0]!;
  if (domain === '') return b.op(op, inputs, attributes);
  const name = b.fresh(op);
  b.append({
    name,
    op,
    domain,
    inputs: [...inputs],
    outputs: [name],
    attributes: attributes as Record<string, Attribute>,
  });
  return name;
}

export function labelOf(op: string, inputs: readonly CaseInput[], attributes: object = {}): string {
  const shown = inputs.map(({ shape }) => `[${shape.join(', ')}]`).join(' ');
  return `${op} ${shown} ${JSON.stringify(attributes)}`;
}

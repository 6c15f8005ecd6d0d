import fc from 'fast-check';
import { float } from '../../../onnx/builder.ts';
import { type CaseTable, seeds, single } from '../arbitraries.ts';
import type { GradientCase } from '../case.ts';

const size = fc.integer({ min: 1, max: 3 });

/** Stacking axes of both operands that broadcast together, as numpy.matmul takes them. */
const stacks = fc
  .array(fc.tuple(size, fc.constantFrom('both', 'left', 'right')), { maxLength: 2 })
  .chain((axes) => {
    const side = (name: string) => axes.map(([n, kept]) => (kept === 'both' || kept === name ? n : 1));
    const dropped = fc.integer({ min: 0, max: axes.length });
    return fc
      .tuple(dropped, dropped)
      .map(([left, right]) => [side('left').slice(left), side('right').slice(right)] as const);
  });

const matMul: fc.Arbitrary<GradientCase> = fc
  .tuple(stacks, size, size, size, fc.constantFrom('matrices', 'left vector', 'right vector'), seeds)
  .map(([[left, right], m, k, n, kind, seed]) => {
    const a = kind === 'left vector' ? [k] : [...left, m, k];
    const b = kind === 'right vector' ? [k] : [...right, k, n];
    return single('MatMul', [{ shape: a }, { shape: b }], seed);
  });

const gemm: fc.Arbitrary<GradientCase> = fc
  .record({
    m: size,
    k: size,
    n: size,
    transA: fc.constantFrom(0, 1),
    transB: fc.constantFrom(0, 1),
    alpha: fc.constantFrom(1, 0.5, -2),
    beta: fc.constantFrom(1, 0.5),
    bias: fc.constantFrom('none', 'scalar', 'row', 'column', 'full'),
    seed: seeds,
  })
  .map(({ m, k, n, transA, transB, alpha, beta, bias, seed }) => {
    const biases = { none: [], scalar: [[]], row: [[n]], column: [[m, 1]], full: [[m, n]] }[bias];
    const shapes = [transA ? [k, m] : [m, k], transB ? [n, k] : [k, n], ...biases];
    const attributes = { transA, transB, alpha: float(alpha), beta: float(beta) };
    return single(
      'Gemm',
      shapes.map((shape) => ({ shape })),
      seed,
      attributes,
    );
  });

const equations = [
  'ij,jk->ik',
  'ij,kj->ki',
  'bhid,bhjd->bhij',
  'bij,jk',
  'i,j->ij',
  'i,i->',
  'ij,k->k',
  'ij->ji',
  'bij->j',
  '...ij,...jk->...ik',
  'b...,...->b...',
  'ij,jk,kl->il',
];

/** Labels of the same name have the same size; ellipses stand for one axis, which may broadcast. */
const einsum: fc.Arbitrary<GradientCase> = fc
  .tuple(fc.constantFrom(...equations), fc.array(size, { minLength: 26, maxLength: 26 }), fc.boolean(), seeds)
  .map(([equation, sizes, broadcast, seed]) => {
    const sizeOf = (label: string) => sizes[label.charCodeAt(0) - 97]!;
    const inputs = equation
      .split('->')[0]!
      .split(',')
      .map((term, i) => ({
        shape: [...term.replace('...', '.')].map((label) =>
          label === '.' ? (broadcast && i === 0 ? 1 : 2) : sizeOf(label),
        ),
      }));
    return single('Einsum', inputs, seed, { equation });
  });

export const linalgCases: CaseTable = { MatMul: matMul, Gemm: gemm, Einsum: einsum };

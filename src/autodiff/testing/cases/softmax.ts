import fc from 'fast-check';
import { tensorOf } from '../../../onnx/tensors.ts';
import { axisIn, type CaseTable, seeds, shapes, single } from '../arbitraries.ts';
import type { GradientCase } from '../case.ts';

const alongAxis = (op: string): fc.Arbitrary<GradientCase> =>
  shapes(1).chain((shape) =>
    fc.tuple(axisIn(shape.length), seeds).map(([axis, seed]) => single(op, [{ shape }], seed, { axis })),
  );

/** Losses of scores [N, C, ...] at constant labels, some of them ignored. */
const loss = (op: string, outputs: number): fc.Arbitrary<GradientCase> =>
  fc
    .record({
      classes: fc.integer({ min: 2, max: 4 }),
      rest: fc.constantFrom<number[]>([], [2], [2, 1]),
      reduction: fc.constantFrom('none', 'sum', 'mean'),
      ignored: fc.constantFrom<number | undefined>(undefined, 1, -100),
      weighted: fc.boolean(),
      seed: seeds,
    })
    .map(({ classes, rest, reduction, ignored, weighted, seed }) => {
      const inputs = [{ shape: [2, classes, ...rest] }];
      const places = 2 * rest.reduce((n, size) => n * size, 1);
      const labels = Array.from({ length: places }, (_, i) =>
        i > 0 && i % 3 === 0 && ignored !== undefined ? ignored : i === 0 ? 0 : (i * 5 + seed) % classes,
      );
      return {
        label: `${op} [2, ${[classes, ...rest].join(', ')}] ${reduction}, ignoring ${ignored}, weighted ${weighted}`,
        inputs,
        seed,
        build: (b, [x]) => {
          const dtype = b.dtype(x!);
          const names = [x!, b.shared(tensorOf('int32', [2, ...rest], labels))];
          const weights = Array.from({ length: classes }, (_, i) => 0.5 + i);
          if (weighted) names.push(b.shared(tensorOf(dtype, [classes], weights)));
          return b.ops(op, names, { reduction, ignore_index: ignored }, outputs);
        },
      };
    });

export const softmaxCases: CaseTable = {
  Softmax: alongAxis('Softmax'),
  LogSoftmax: alongAxis('LogSoftmax'),
  NegativeLogLikelihoodLoss: loss('NegativeLogLikelihoodLoss', 1),
  SoftmaxCrossEntropyLoss: loss('SoftmaxCrossEntropyLoss', 1),
  'SoftmaxCrossEntropyLoss with probabilities': loss('SoftmaxCrossEntropyLoss', 2),
};

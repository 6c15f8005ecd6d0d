import fc from 'fast-check';
import { float } from '../../../onnx/builder.ts';
import { tensorOf } from '../../../onnx/tensors.ts';
import { type CaseTable, nodeOf, seeds } from '../arbitraries.ts';
import type { GradientCase } from '../case.ts';

const coordinates = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
];

const resize = (mode: string, antialias: number): fc.Arbitrary<GradientCase> =>
  fc
    .record({
      coordinates: fc.constantFrom(
        ...(antialias ? ['half_pixel', 'pytorch_half_pixel', 'align_corners'] : coordinates),
      ),
      nearest: fc.constantFrom('round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'),
      from: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
      scales: fc.tuple(
        fc.constantFrom(0.5, 0.75, 1, 1.3, 2, 2.6, 3),
        fc.constantFrom(0.5, 0.75, 1, 1.3, 2, 2.6, 3),
      ),
      bySizes: fc.boolean(),
      excludeOutside: fc.constantFrom(0, 1),
      seed: seeds,
    })
    .filter(({ from, scales }) => from.every((size, i) => Math.floor(size * scales[i]!) > 0))
    .map(({ coordinates, nearest, from, scales, bySizes, excludeOutside, seed }) => {
      const shape = [1, 2, ...from];
      const sizes = [1, 2, ...from.map((size, i) => Math.floor(size * scales[i]!))];
      const attributes = {
        mode,
        coordinate_transformation_mode: coordinates,
        nearest_mode: nearest,
        ...(mode === 'cubic' ? { cubic_coeff_a: float(-0.5), exclude_outside: excludeOutside } : {}),
        ...(antialias ? { antialias } : {}),
      };
      return {
        label: `Resize [${shape.join(', ')}] ${bySizes ? `to ${sizes}` : `by ${scales}`} ${JSON.stringify(attributes)}`,
        inputs: [{ shape }],
        seed,
        build: (b, [x]) =>
          bySizes
            ? nodeOf(b, 'Resize', [x!, '', '', b.ints(sizes)], attributes)
            : nodeOf(
                b,
                'Resize',
                [x!, '', b.shared(tensorOf('float32', [4], [1, 1, ...scales]))],
                attributes,
              ),
      };
    });

export const resizeCases: CaseTable = {
  'Resize nearest': resize('nearest', 0),
  'Resize linear': resize('linear', 0),
  'Resize cubic': resize('cubic', 0),
  'Resize linear antialiased': resize('linear', 1),
  'Resize cubic antialiased': resize('cubic', 1),
};

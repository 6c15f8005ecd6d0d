import { describe, expect, it } from 'vitest';
import type { TypedGraph } from '../model.ts';
import { specialise } from '../specialise.ts';
import {
  difference,
  exportedModel,
  exportedNames,
  feedsFor,
  operatorCounts,
  run,
} from '../testing/exported-models.ts';
import { mergeCommonSubexpressions } from './common-subexpressions.ts';
import { fuseGelu } from './fuse-gelu.ts';
import { fuseLayerNorm } from './fuse-layer-norm.ts';
import { mergeMovement } from './merge-movement.ts';
import { mergeParts } from './merge-parts.ts';
import { removeNoOps } from './no-ops.ts';
import { simplify } from './simplify.ts';

const passes: Record<string, (graph: TypedGraph) => TypedGraph> = {
  mergeCommonSubexpressions,
  fuseLayerNorm,
  fuseGelu,
  mergeMovement,
  mergeParts,
  removeNoOps,
  simplify,
};

describe.each(exportedNames)('passes over the exported model %s', (name) => {
  it.each(Object.keys(passes))('%s keeps the outputs', async (pass) => {
    const { model, shapes } = await exportedModel(name);
    const before = await specialise(model, { shapes });
    const after = passes[pass]!(before);
    const feeds = feedsFor(
      new Map(before.inputs.map((input) => [input.name, before.types.get(input.name)!])),
    );
    expect(difference(await run(before, feeds), await run(after, feeds))).toBeLessThanOrEqual(1e-6);
    expect(after.nodes.length).toBeLessThanOrEqual(before.nodes.length);
  });
});

describe('simplify', () => {
  it('finds the norms and activations of every exporter', async () => {
    const counted = async (name: string) => {
      const { model, shapes } = await exportedModel(name);
      const { LayerNormalization, Gelu, ReduceMean, Erf, Tanh } = operatorCounts(
        simplify(await specialise(model, { shapes })),
      );
      return { LayerNormalization, Gelu, left: [ReduceMean, Erf, Tanh].filter(Boolean).length };
    };
    const encoder = { LayerNormalization: 2, Gelu: 1, left: 0 };
    expect(await counted('encoder-torchscript-11')).toEqual(encoder);
    expect(await counted('encoder-torchscript-17')).toEqual(encoder);
    expect(await counted('encoder-dynamo-18')).toEqual(encoder);
    expect(await counted('tower-torchscript-11')).toEqual({ LayerNormalization: 1, Gelu: 1, left: 0 });
    expect(await counted('denoiser-torchscript-14')).toEqual({ Gelu: 1, left: 0 });
  });
});

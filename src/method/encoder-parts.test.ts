import { describe, expect, it } from 'vitest';
import { mapClipVision } from '../exchange/name-map.ts';
import { splitShared } from '../exchange/split-shared.ts';
import { exported, variants } from '../exchange/testing/clip-files.ts';
import { isWeight } from '../onnx/lift-weights.ts';
import { simplify } from '../onnx/passes/simplify.ts';
import { specialise } from '../onnx/specialise.ts';
import { blockInputs, blockMatrices, blocksOfWeights, weightsOfLastBlocks } from './encoder-parts.ts';

/** The graph of an export of a two-block CLIP tower, and transformers' names of its weights. */
async function tower(variant: (typeof variants)[number]) {
  const model = splitShared(await exported(variant));
  const names = new Map(mapClipVision(model).parameters.map(({ name, initializer }) => [initializer, name]));
  const graph = simplify(await specialise(model, { shapes: { pixel_values: [1, 3, 8, 8] } }));
  const named = (initializers: readonly string[]) =>
    initializers.flatMap((initializer) => names.get(initializer.replace(/\.T$/, '')) ?? []).sort();
  return {
    graph,
    named,
    known: named([...graph.initializers].filter(([, t]) => isWeight(t)).map(([n]) => n)),
  };
}

describe.each(variants)('parts of %s', (variant) => {
  it('finds the blocks and what belongs to the last of them', async () => {
    const { graph, named, known } = await tower(variant);
    expect(blockInputs(graph)).toHaveLength(2);
    const last = /layers\.1\.|post_layernorm|visual_projection/;
    expect(known.length).toBeGreaterThan(20);
    expect(named(weightsOfLastBlocks(graph, 1))).toEqual(known.filter((name) => last.test(name)));
    const both = /layers\.|post_layernorm|visual_projection/;
    expect(named(weightsOfLastBlocks(graph, 2))).toEqual(known.filter((name) => both.test(name)));
    expect(weightsOfLastBlocks(graph, 3)).toEqual([]);
    const of = blocksOfWeights(graph);
    const inBlock = (block: number) => named([...of.keys()].filter((name) => of.get(name) === block));
    expect(inBlock(2)).toEqual(known.filter((name) => last.test(name)));
    expect(inBlock(1)).toEqual(known.filter((name) => /layers\.0\./.test(name)));
  });

  it('finds the matrices of the blocks', async () => {
    const { graph, named, known } = await tower(variant);
    const matrices = known.filter((name) => /layers\.\d+\..*(proj|fc\d)\.weight/.test(name));
    expect(matrices).toHaveLength(12);
    expect(named(blockMatrices(graph))).toEqual(matrices);
  });
});

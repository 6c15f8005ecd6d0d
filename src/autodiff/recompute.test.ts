import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { sizeOf } from '../onnx/data-types.ts';
import { readModel } from '../onnx/decode.ts';
import { arrangeForRuntime, runtimePeak } from '../onnx/execution-order.ts';
import type { TypedGraph } from '../onnx/model.ts';
import { bytesSource } from '../onnx/sources.ts';
import { recompute } from './recompute.ts';
import { differentiatedBlocks } from './testing/blocks.ts';
import { CpuSession, fileOf } from './testing/cpu-session.ts';
import { measuredPeak } from './testing/peak-memory.ts';
import { randomFrom } from './testing/random.ts';
import { checkWholeModel } from './testing/whole-model.ts';
import { webgpuObstacle } from './webgpu-operators.ts';

const small = { blocks: 6, tokens: 48, width: 16 };

const plainPeak = (graph: TypedGraph): number => runtimePeak(arrangeForRuntime(graph));

async function outputsOf(graph: TypedGraph): Promise<number[][]> {
  const random = randomFrom(3);
  const session = await CpuSession.open(graph);
  const x = Array.from({ length: sizeOf(graph.types.get('x')!.shape) }, () => 2 * random() - 1);
  const outputs = await session.run([x]);
  await session.release();
  return outputs;
}

/** The graph as onnxruntime runs it after all of its own optimisations. */
async function optimised(graph: TypedGraph): Promise<TypedGraph['nodes']> {
  const folder = mkdtempSync(join(tmpdir(), 'optimised-'));
  try {
    const path = join(folder, 'model.onnx');
    const session = await InferenceSession.create(await fileOf(graph), {
      graphOptimizationLevel: 'all',
      optimizedModelFilePath: path,
      logSeverityLevel: 4,
    });
    await session.release();
    return (await readModel(bytesSource('model.onnx', readFileSync(path)))).graph.nodes;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('recompute', () => {
  const { graph, forwardNodes } = differentiatedBlocks(small);

  it('recomputes nothing where the budget suffices', () => {
    const budget = plainPeak(graph);
    expect(recompute(graph, { forwardNodes, budget })).toMatchObject({
      segments: 1,
      recomputedNodes: 0,
      peakBytes: budget,
      fits: true,
    });
  });

  it.each([0.8, 0.6, 0.45])(
    'meets %f of the peak and changes no bit of loss and gradients',
    async (share) => {
      const budget = Math.floor(share * plainPeak(graph));
      const result = recompute(graph, { forwardNodes, budget });
      expect(result.fits).toBe(true);
      expect(result.segments).toBeGreaterThan(1);
      expect(result.recomputedNodes).toBeGreaterThan(0);
      expect(result.peakBytes).toBeLessThanOrEqual(budget);
      expect(runtimePeak(result.graph)).toBe(result.peakBytes);
      expect(await outputsOf(result.graph)).toEqual(await outputsOf(graph));
    },
  );

  it('says so when no cut meets the budget, with the best it found', () => {
    const result = recompute(graph, { forwardNodes, budget: 1 });
    expect(result.fits).toBe(false);
    expect(result.peakBytes).toBeLessThan(0.5 * plainPeak(graph));
    expect(runtimePeak(result.graph)).toBe(result.peakBytes);
  });

  it('writes only nodes that run on the GPU', () => {
    const { graph: cut } = recompute(graph, { forwardNodes, budget: 1 });
    expect(cut.nodes.map((node) => webgpuObstacle(node, cut.types)).filter(Boolean)).toEqual([]);
  });

  it("keeps every recomputed product through all of onnxruntime's optimisations", async () => {
    const products = (nodes: TypedGraph['nodes']) =>
      nodes.filter((node) => /MatMul|Gemm|Softmax/.test(node.op)).length;
    const { graph: cut } = recompute(graph, { forwardNodes, budget: 0.6 * plainPeak(graph) });
    const again = products(cut.nodes.filter((node) => node.name.startsWith('recompute/')));
    expect(again).toBeGreaterThan(10);
    expect(products(await optimised(cut))).toBe(products(await optimised(graph)) + again);
  });

  it.each(['disabled', 'all'] as const)(
    'lowers the memory that onnxruntime takes, optimisation %s',
    async (level) => {
      const large = differentiatedBlocks({ blocks: 8, tokens: 1536, width: 16 });
      const before = plainPeak(large.graph);
      const { graph: cut, peakBytes } = recompute(large.graph, { ...large, budget: 0.45 * before });
      const [plain, less] = [await measuredPeak(large.graph, level), await measuredPeak(cut, level)];
      expect(less / plain).toBeLessThan(0.6);
      expect(less / peakBytes).toBeLessThan(1.25);
    },
    120_000,
  );

  it.each([
    ['sd15', 0.85],
    ['vae-decoder', 0.7],
  ])(
    'leaves the gradients of %s those of PyTorch',
    async (name, share) => {
      let cut = { recomputedNodes: 0, fits: false };
      const check = await checkWholeModel(name, 'torchscript-17', undefined, (whole, nodes) => {
        const result = recompute(whole, { forwardNodes: nodes, budget: share * plainPeak(whole) });
        cut = result;
        return result.graph;
      });
      expect(cut).toMatchObject({ fits: true });
      expect(cut.recomputedNodes).toBeGreaterThan(20);
      expect(check.relativeError).toBeLessThan(1e-4);
      expect(check.cosine).toBeGreaterThan(0.99999);
    },
    60_000,
  );
});

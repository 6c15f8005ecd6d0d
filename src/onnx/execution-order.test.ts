import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { differentiatedBlocks } from '../autodiff/testing/blocks.ts';
import { fileOf } from '../autodiff/testing/cpu-session.ts';
import { checkWholeModel } from '../autodiff/testing/whole-model.ts';
import { arrangeForRuntime, executionOrder, runtimePeak } from './execution-order.ts';
import { liveness } from './liveness.ts';
import type { TypedGraph } from './model.ts';

const sizes = { blocks: 4, tokens: 32, width: 8 };

/** The names of the nodes in the order in which onnxruntime ran them, as its own profile has it. */
async function profiledOrder(graph: TypedGraph): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'order-'));
  try {
    const session = await InferenceSession.create(await fileOf(graph), {
      graphOptimizationLevel: 'disabled',
      enableProfiling: true,
      profileFilePrefix: join(folder, 'profile'),
      logSeverityLevel: 4,
    });
    await session.run({ x: new Tensor('float32', new Float32Array(sizes.tokens * sizes.width), [32, 8]) });
    session.endProfiling();
    await session.release();
    const events: { name: string }[] = JSON.parse(
      readFileSync(join(folder, readdirSync(folder)[0]!), 'utf8'),
    );
    return events
      .filter(({ name }) => name.endsWith('_kernel_time'))
      .map(({ name }) => name.slice(0, -'_kernel_time'.length));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('executionOrder', () => {
  const { graph } = differentiatedBlocks(sizes);

  it.each([
    ['as differentiated', graph],
    ['arranged', arrangeForRuntime(graph)],
  ])('is the order in which onnxruntime runs a graph %s', async (_, listed) => {
    const order = executionOrder(listed.nodes).map((node) => node.name);
    expect(order).not.toEqual(listed.nodes.map((node) => node.name));
    expect(await profiledOrder(listed)).toEqual(order);
  });
});

describe('arrangeForRuntime', () => {
  const { graph } = differentiatedBlocks(sizes);

  it('keeps the nodes, each after what it reads', () => {
    const { nodes } = arrangeForRuntime(graph);
    expect(new Set(nodes)).toEqual(new Set(graph.nodes));
    expect(nodes).toHaveLength(graph.nodes.length);
    const known = new Set(['', ...graph.initializers.keys(), 'x']);
    for (const node of nodes) {
      for (const input of node.inputs) expect(known).toContain(input);
      for (const output of node.outputs) known.add(output);
    }
  });

  it('lowers the peak that the runtime reaches to that of the order of writing', async () => {
    const peaks: Record<string, number> = {};
    await checkWholeModel('vae-decoder', 'torchscript-17', undefined, (whole) => {
      const arranged = arrangeForRuntime(whole);
      const wrote = liveness(whole).peakBytes;
      Object.assign(peaks, { wrote, before: runtimePeak(whole), after: runtimePeak(arranged) });
      return arranged;
    });
    expect(peaks['before']).toBeGreaterThan(1.4 * peaks['wrote']!);
    expect(peaks['after']).toBeLessThan(1.02 * peaks['wrote']!);
  });

  it('never raises it', () => {
    for (const width of [8, 64]) {
      const { graph: stack } = differentiatedBlocks({ blocks: 6, tokens: 16, width });
      expect(runtimePeak(arrangeForRuntime(stack))).toBeLessThanOrEqual(runtimePeak(stack));
    }
  });
});

/**
 * Builds the training graphs of full-size models without their weights and prints, as a Markdown table, how long that
 * takes and how large they are. With the encoder `vit-l-14` and the denoiser `sd21-base` in the folder, the whole
 * graph of a DIVA run is measured too.
 *
 *   python -m tools.reference.full_size FOLDER
 *   npx tsx --expose-gc bench/full-size.ts FOLDER [NAME...]
 *
 * Encoders are differentiated with respect to every weight. Denoisers are differentiated twice: with respect to their
 * text context (`context`), as DIVA uses them, and to every weight and input (`all`). "least" is with attention split
 * where its scores pass 128 MiB and as much computed again as lowers the peak. Weights and gradients are not counted.
 */
import { readdirSync } from 'node:fs';
import { differentiableInputs, gradient } from '../src/autodiff/gradient.ts';
import { recompute } from '../src/autodiff/recompute.ts';
import { splitAttention } from '../src/autodiff/split-attention.ts';
import { webgpuObstacle } from '../src/autodiff/webgpu-operators.ts';
import { buildTrainingGraph } from '../src/method/training-graph.ts';
import { isWeight } from '../src/onnx/lift-weights.ts';
import { liveness } from '../src/onnx/liveness.ts';
import type { TypedGraph } from '../src/onnx/model.ts';
import { fullSizeGraph } from './full-size-graphs.ts';

/** What WebGPU promises of a storage buffer binding. */
const bindingBytes = 128 * 2 ** 20;

const [folder = '', ...wanted] = process.argv.slice(2);

const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
const row = (...cells: (string | number)[]) => console.log(`| ${cells.join(' | ')} |`);

/** Bytes of the heap after everything that can be freed is. */
function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function safeShare(graph: TypedGraph): string {
  const left = graph.nodes.filter((node) => webgpuObstacle(node, graph.types) !== undefined);
  const share = 100 * (1 - left.length / graph.nodes.length);
  const [first] = left;
  return first ? `${share.toFixed(2)}% (${webgpuObstacle(first, graph.types)})` : '100%';
}

function withGradients(graph: TypedGraph, gradients: ReadonlyMap<string, string>): TypedGraph {
  const outputs = [...new Set(gradients.values())].map((name) => {
    const { dtype, shape } = graph.types.get(name)!;
    return { name, dtype, shape: [...shape] };
  });
  return { ...graph, outputs: [...graph.outputs, ...outputs] };
}

const forwardOf = (name: string) => fullSizeGraph(folder, name);

async function measure(name: string): Promise<void> {
  const before = heap();
  const started = performance.now();
  const forward = await forwardOf(name);
  const read = (performance.now() - started) / 1000;
  const loss = forward.outputs[0]!.name;
  const context = forward.inputs.find((input) => forward.types.get(input.name)!.shape.length === 3);
  const all = differentiableInputs(forward, loss).filter((target) => {
    const tensor = forward.initializers.get(target);
    return tensor === undefined || isWeight(tensor);
  });
  const jobs: [string, string[]][] = context
    ? [
        ['context', [context.name]],
        ['all', all],
      ]
    : [['all', all]];
  for (const [label, targets] of jobs) {
    const begun = performance.now();
    const result = gradient(forward, { loss, targets, seed: 'seed' });
    const seconds = read + (performance.now() - begun) / 1000;
    const used = heap() - before;
    const whole = withGradients(result.graph, result.gradients);
    const forwardNodes = forward.nodes.length;
    const plain = recompute(whole, { forwardNodes, budget: Number.POSITIVE_INFINITY });
    const split = splitAttention(forward, bindingBytes).graph;
    const parts = gradient(split, { loss, targets, seed: 'seed' });
    const least = recompute(withGradients(parts.graph, parts.gradients), {
      forwardNodes: split.nodes.length,
      budget: 0,
    });
    const backward = whole.nodes.length - forwardNodes;
    row(
      name,
      label,
      seconds.toFixed(1),
      forwardNodes,
      backward,
      (backward / forwardNodes).toFixed(2),
      safeShare(whole),
      safeShare(least.graph),
      mebibytes(plain.peakBytes),
      `${mebibytes(least.peakBytes)} (${least.segments})`,
      mebibytes(liveness(whole).largestBytes),
      mebibytes(liveness(least.graph).largestBytes),
      mebibytes(used),
    );
  }
}

async function measureDiva(batch: number): Promise<void> {
  const before = heap();
  const started = performance.now();
  const encoder = await forwardOf(`vit-l-14-b${batch}`);
  const teacher = await forwardOf(`sd21-base-b${batch}`);
  const built = (memoryBudget?: number) =>
    buildTrainingGraph({
      encoder,
      teacher,
      config: { condition: 'class+part', partTokens: 76 },
      prediction: 'epsilon',
      contextTokens: 77,
      weightsAsInputs: 'all',
      ...(memoryBudget !== undefined && { memoryBudget, maxScoreBytes: bindingBytes }),
    });
  const training = built();
  const seconds = (performance.now() - started) / 1000;
  const used = heap() - before;
  const least = built(0);
  row(
    `DIVA: vit-l-14 + sd21-base, b${batch}`,
    'encoder',
    seconds.toFixed(1),
    training.forwardNodes,
    training.backwardNodes,
    (training.backwardNodes / training.forwardNodes).toFixed(2),
    safeShare(training.graph),
    safeShare(least.graph),
    mebibytes(training.memory.peakBytes),
    `${mebibytes(least.memory.peakBytes)} (${least.memory.segments})`,
    mebibytes(liveness(training.graph).largestBytes),
    mebibytes(liveness(least.graph).largestBytes),
    mebibytes(used),
  );
}

row(
  'model',
  'gradients of',
  'seconds',
  'forward nodes',
  'backward nodes',
  'ratio',
  'on WebGPU',
  'on WebGPU, least',
  'inner MiB',
  'inner MiB, least (segments)',
  'largest MiB',
  'largest MiB, least',
  'heap MiB',
);
row(...new Array(13).fill('---'));
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.onnx'))
  .map((file) => file.slice(0, -'.onnx'.length));
const chosen = wanted.length > 0 ? wanted : [...names, 'diva-b1', 'diva-b8'];
for (const name of chosen) {
  const diva = /^diva-b(\d+)$/.exec(name);
  await (diva ? measureDiva(Number(diva[1])) : measure(name));
}

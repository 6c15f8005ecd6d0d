import { expect, type Page, test } from '@playwright/test';
import {
  backwardOf,
  cotangentOf,
  forwardOf,
  type GradientCase,
  valuesOf,
} from '../src/autodiff/testing/case.ts';
import { cases } from '../src/autodiff/testing/cases/index.ts';
import { CpuSession, fileOf } from '../src/autodiff/testing/cpu-session.ts';
import { samplesOf } from '../src/autodiff/testing/samples.ts';
import { type FedGraph, traceOf } from '../src/autodiff/testing/trace.ts';
import { webgpuObstacle, webgpuOperators } from '../src/autodiff/webgpu-operators.ts';
import { GraphBuilder } from '../src/onnx/builder.ts';
import { sizeOf } from '../src/onnx/data-types.ts';
import { addOutput, emptyGraph, graft } from '../src/onnx/graft.ts';
import type { Node } from '../src/onnx/model.ts';
import type { GraphRequest, GraphResult } from './pages/graphs-protocol.ts';

/** Cases taken of each variant. */
const samples = 3;

/** Graphs in one session. */
const together = 40;

/** Different uses of an operator that are run of each variant. */
const uses = 2;

/**
 * Largest difference from the CPU's result, relative to the largest element (or to one). WGSL (section 15.7.4) lets
 * sine and cosine be wrong by 2^-11, and the inverse functions, which derive from atan2, by 4096 units in the last
 * place.
 */
const toleranceOf = ({ nodes }: FedGraph['graph']): number =>
  nodes.some(({ op }) => /^A?(Sin|Cos|Tan)$/i.test(op)) ? 2 ** -10 : 1e-4;

/** The software adapter has no f16. */
const usesHalf = ({ graph }: FedGraph): boolean =>
  graph.nodes.some((node) =>
    [...node.inputs, ...node.outputs].some((name) => graph.types.get(name)?.dtype === 'float16'),
  );

let page: Page;

test.beforeAll(async ({ browser, baseURL }) => {
  const pages = new URL(baseURL!);
  pages.port = String(Number(pages.port) + 1);
  page = await browser.newPage();
  await page.goto(new URL('/e2e/pages/graphs.html', pages).href);
  await page.waitForFunction(() => typeof window.runGraph === 'function');
});

test.afterAll(() => page.close());

test('backward nodes of every rule run on the GPU and give what the CPU gives', async () => {
  test.setTimeout(900_000);
  const graphs: Labelled[] = [];
  for (const variant of Object.keys(cases)) {
    for (const c of samplesOf(variant, samples)) {
      const { backward } = await traceOf(c);
      // Some rules only hand the gradient on.
      if (backward.graph.outputs.length > 0 && !usesHalf(backward)) graphs.push([c.label, backward]);
    }
  }
  expect(await failuresOf(graphs)).toEqual([]);
});

test('every operator of the safe list runs alone on the GPU and gives what the CPU gives', async () => {
  test.setTimeout(900_000);
  const graphs: Labelled[] = [];
  const proved = new Set<string>();
  for await (const use of differentUses()) {
    const op = keyOf(use.graph.nodes[0]!);
    graphs.push([`${op} ${describeUse(use)}`, use]);
    proved.add(op);
  }
  expect(await failuresOf(graphs)).toEqual([]);
  expect([...proved].sort()).toEqual(Object.keys(webgpuOperators).sort());
});

/** Every operator of the list by itself, as it occurs in the gradient graphs, then those that never occur there. */
async function* differentUses(): AsyncGenerator<FedGraph> {
  const seen = new Set<string>();
  for (const variant of Object.keys(cases)) {
    const count = new Map<string, number>();
    for (const c of samplesOf(variant, samples)) {
      for (const use of (await traceOf(c)).nodes) {
        const op = keyOf(use.node);
        const shown = `${op} ${describeUse(use)}`;
        if (webgpuObstacle(use.node, use.graph.types) || seen.has(shown) || usesHalf(use)) continue;
        const before = count.get(op) ?? 0;
        if (before >= uses) continue;
        count.set(op, before + 1);
        seen.add(shown);
        yield use;
      }
    }
  }
  for (const build of withoutGradient) yield await fed(build);
}

type Build = (b: GraphBuilder, x: string) => string;

/** Operators of the list that no gradient passes through, on x [2, 3]. */
const withoutGradient: readonly Build[] = [
  (b, x) => b.op('ArgMin', [x], { axis: 1 }),
  (b, x) => b.op('CastLike', [x, b.scalar(0, 'int32')]),
  (b, x) => b.op('Ceil', [x]),
  (b, x) => b.op('Floor', [x]),
  (b, x) => b.op('GreaterOrEqual', [x, b.scalar(0.5, 'float32')]),
  (b, x) => b.op('LessOrEqual', [x, b.scalar(0.5, 'float32')]),
];

async function fed(build: Build): Promise<FedGraph> {
  const shape = [2, 3];
  const values = [-1.5, 0.5, 2, 0.25, -0.75, 1];
  const { graph } = forwardOf(
    { label: 'alone', inputs: [{ shape }], seed: 1, build: (b, [x]) => build(b, x!) },
    'float32',
  );
  const session = await CpuSession.open(graph);
  const outputs = await session.run([values]);
  await session.release();
  return { graph, inputs: [values], outputs };
}

/** Operators whose rules make masks or indices, on an image of four channels. */
const betweenConvolutions: Readonly<Record<string, Build>> = {
  Relu: (b, x) => b.op('Relu', [x]),
  LeakyRelu: (b, x) => b.op('LeakyRelu', [x]),
  HardSwish: (b, x) => b.op('HardSwish', [x]),
  HardSigmoid: (b, x) => b.op('HardSigmoid', [x]),
  Abs: (b, x) => b.op('Abs', [x]),
  Clip: (b, x) => b.op('Clip', [x, b.scalar(-0.5, 'float32'), b.scalar(0.5, 'float32')]),
  Max: (b, x) => b.op('Max', [x, b.scalar(0.25, 'float32')]),
  Where: (b, x) => b.op('Where', [b.op('Less', [x, b.scalar(0, 'float32')]), b.op('Mul', [x, x]), x]),
  ReduceMax: (b, x) => b.op('Sub', [x, b.op('ReduceMax', [x, b.ints([1])], { keepdims: 1 })]),
  TopK: (b, x) => b.ops('TopK', [x, b.ints([2])], { axis: 1 }, 2)[0]!,
  MaxPool: (b, x) =>
    b.op('MaxPool', [x], {
      kernel_shape: b
        .shape(x)
        .slice(2)
        .map(() => 2),
    }),
  GlobalMaxPool: (b, x) => b.op('Mul', [x, b.op('GlobalMaxPool', [x])]),
  Split: (b, x) => b.op('Mul', b.ops('Split', [x, b.ints([2, 2])], { axis: 1 }, 2)),
  Gather: (b, x) => b.op('Gather', [x, b.ints([3, 1, 0])], { axis: 1 }),
};

/**
 * The runtime computes convolutions channels last and moves the transposes that this takes through their neighbours,
 * where it can: not onto values that the provider cannot transpose (bool, int64), or they leave the GPU.
 */
test('rules stay on the GPU between convolutions, whose layout the runtime changes', async () => {
  const graphs: Labelled[] = [];
  for (const [name, middle] of Object.entries(betweenConvolutions)) {
    for (const rank of [1, 2]) {
      const around = (size: number) => Array<number>(rank).fill(size);
      const c: GradientCase = {
        label: `${name} in ${rank}D`,
        inputs: [
          [1, 3, ...around(5)],
          [4, 3, ...around(3)],
          [2, 1, ...around(2)],
        ].map((shape) => ({ shape })),
        seed: 11,
        build: (b, [x, first, second]) => {
          const y = middle(b, b.op('Conv', [x!, first!]));
          const channels = b.shape(y)[1]!;
          return b.op('Conv', [y, b.op('Expand', [second!, b.ints([2, channels, ...around(2)])])]);
        },
      };
      graphs.push([c.label, await wholeOf(c)]);
    }
  }
  expect(await failuresOf(graphs)).toEqual([]);
});

/** The whole gradient graph of a case, forward and backward. */
async function wholeOf(c: GradientCase): Promise<FedGraph> {
  const { graph } = backwardOf(c, 'float32');
  const { output } = forwardOf(c, 'float32');
  const inputs = [...valuesOf(c), cotangentOf(c, sizeOf(graph.types.get(output)!.shape))];
  const session = await CpuSession.open(graph);
  const outputs = await session.run(inputs);
  await session.release();
  return { graph, inputs, outputs };
}

/** As in the tables: with its domain, where that is not the standard one. */
const keyOf = ({ op, domain }: Node): string => (domain === '' ? op : `${domain}::${op}`);

type Labelled = readonly [label: string, graph: FedGraph];

/**
 * Runs graphs in the browser; says which differ from the CPU's result, and how. Many go side by side in one session,
 * which is most of the time that they take; where that session cannot be made, each gets its own.
 */
async function failuresOf(graphs: readonly Labelled[]): Promise<string[]> {
  const failures: string[] = [];
  for (const opset of new Set(graphs.map(([, { graph }]) => graph.opset))) {
    const same = graphs.filter(([, { graph }]) => graph.opset === opset);
    for (let at = 0; at < same.length; at += together) {
      const some = same.slice(at, at + together);
      const result = await run(sideBySide(some.map(([, graph]) => graph)));
      let first = 0;
      for (const [label, graph] of some) {
        const count = graph.outputs.length;
        const own =
          'error' in result ? await run(graph) : { outputs: result.outputs.slice(first, first + count) };
        const problem = difference(graph, own);
        if (problem) failures.push(`${label}: ${problem}`);
        first += count;
      }
    }
  }
  return failures;
}

/** Graphs that share nothing as one graph: inputs and outputs in the order of the graphs. */
function sideBySide(pieces: readonly FedGraph[]): FedGraph {
  const b = new GraphBuilder(emptyGraph('side_by_side', pieces[0]!.graph.opset));
  for (const [i, { graph }] of pieces.entries()) {
    const names = graft(b, graph, `${i}/`);
    for (const { name } of graph.outputs) addOutput(b, names.get(name)!);
  }
  return {
    graph: b.graph,
    inputs: pieces.flatMap(({ inputs }) => inputs),
    outputs: pieces.flatMap(({ outputs }) => outputs),
  };
}

async function run({ graph, inputs }: FedGraph): Promise<GraphResult> {
  const request: GraphRequest = {
    model: Buffer.from(await fileOf(graph)).toString('base64'),
    inputs: graph.inputs.map(({ name }, i) => {
      const { dtype, shape } = graph.types.get(name)!;
      return { name, dtype: dtype as 'float32', shape: [...shape], values: [...inputs[i]!] };
    }),
    outputs: graph.outputs.map(({ name }) => name),
  };
  return page.evaluate((r) => window.runGraph(r), request);
}

function difference({ graph, outputs }: FedGraph, result: GraphResult): string | undefined {
  if ('error' in result) return result.error;
  const tolerance = toleranceOf(graph);
  for (const [i, expected] of outputs.entries()) {
    const actual = result.outputs[i]!;
    const scale = Math.max(1, ...expected.filter(Number.isFinite).map(Math.abs));
    const at = expected.findIndex(
      (x, j) => actual[j] !== x && !(Math.abs(actual[j]! - x) <= tolerance * scale),
    );
    if (at >= 0 || actual.length !== expected.length) {
      return `output ${i}, element ${at} is ${actual[at]} instead of ${expected[at]}`;
    }
  }
  return undefined;
}

function describeUse({ graph }: FedGraph): string {
  const [node] = graph.nodes;
  const types = node!.inputs.map((name) => {
    const type = graph.types.get(name);
    return type ? `${type.dtype}[${type.shape.join(', ')}]` : 'none';
  });
  return `${types.join(' ')} ${JSON.stringify(node!.attributes)}`;
}

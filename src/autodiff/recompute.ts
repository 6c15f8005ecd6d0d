import { GraphBuilder } from '../onnx/builder.ts';
import { codeOf, isFloat } from '../onnx/data-types.ts';
import { arrangeForRuntime, runtimePeak } from '../onnx/execution-order.ts';
import { bytesOfType } from '../onnx/liveness.ts';
import type { DataType, Node, TypedGraph } from '../onnx/model.ts';

export interface RecomputeRequest {
  /** Number of forward nodes: those before it in the node list are forward, the others backward. */
  forwardNodes: number;
  /** Bytes that inner values may take at once; outputs, which are held for longer, are not counted. */
  budget: number;
  /** Largest number of segments tried. */
  maxSegments?: number;
}

export interface RecomputeResult {
  /** Listed for the runtime (see {@link arrangeForRuntime}): forward and backward nodes are no longer apart. */
  graph: TypedGraph;
  /** 1 means that nothing is recomputed. */
  segments: number;
  /** Forward nodes that run a second time. */
  recomputedNodes: number;
  /** Planned peak of inner values, bytes, in the order in which the runtime runs the nodes. */
  peakBytes: number;
  /** Whether the peak is within the budget; otherwise this is the smallest peak found. */
  fits: boolean;
}

/**
 * Trades time for memory (Chen et al. 2016, "Training deep nets with sublinear memory cost"): the forward is cut into
 * segments, only values that cross a cut are kept for the backward, and each segment's other values are computed
 * again when its backward begins. The fewest segments that meet the budget are taken. The gradients that are wanted
 * must be declared outputs.
 *
 * A runtime is free to order independent nodes and to merge equal ones, and either would bring the memory back. So
 * every kept value enters its recomputation through a gate that adds nought times an element of the gradient that has
 * arrived by then and of every gradient that the segments before have put out: recomputed nodes are different nodes
 * to any common-subexpression pass, and cannot run before the backward is done with the later segments. Values are
 * unchanged (a gradient that is not finite spoils the step in any case).
 */
export function recompute(source: TypedGraph, request: RecomputeRequest): RecomputeResult {
  const graph = arrangeForRuntime(source);
  const plain = runtimePeak(graph);
  let best: RecomputeResult = {
    graph,
    segments: 1,
    recomputedNodes: 0,
    peakBytes: plain,
    fits: plain <= request.budget,
  };
  const most = request.maxSegments ?? 64;
  for (
    let segments = 2;
    segments <= most && !best.fits;
    segments = segments < 8 ? segments + 1 : Math.ceil(segments * 1.3)
  ) {
    const tried = cutInto(source, request.forwardNodes, segments);
    const arranged = arrangeForRuntime(tried.graph);
    const peakBytes = runtimePeak(arranged);
    if (peakBytes >= best.peakBytes) continue;
    best = {
      graph: arranged,
      recomputedNodes: tried.recomputedNodes,
      segments,
      peakBytes,
      fits: peakBytes <= request.budget,
    };
  }
  return best;
}

function cutInto(source: TypedGraph, forwardNodes: number, segments: number) {
  const forward = source.nodes.slice(0, forwardNodes);
  const backward = source.nodes.slice(forwardNodes);
  const cuts = chooseCuts(source, forward, segments);
  const segmentOf = new Map<string, number>();
  let segment = 0;
  for (const [i, node] of forward.entries()) {
    while (segment < cuts.length && i >= cuts[segment]!) segment++;
    for (const output of node.outputs) if (output !== '') segmentOf.set(output, segment);
  }
  const last = cuts.length;
  const kept = keptValues(source, forward, segmentOf, last);

  const remade = new Set(backward.flatMap((node) => node.outputs));
  const graph: TypedGraph = {
    ...source,
    nodes: [...forward],
    initializers: new Map(source.initializers),
    types: new Map([...source.types].filter(([name]) => !remade.has(name))),
  };
  const producer = new Map(forward.flatMap((node) => node.outputs.map((o) => [o, node] as const)));
  const outputs = new Set(source.outputs.map(({ name }) => name));
  const b = new GraphBuilder(graph);
  const again = new Map<string, string>();
  const gates = new Map<string, string>();
  const signals = new Map<number, Barrier>();
  let arrived: string | undefined;
  /** Gradients put out since the last segment's recomputation began. */
  let finished: string[] = [];
  let recomputedNodes = 0;

  /** A value from outside the segment, delayed until the backward has come as far as the segment. */
  const gated = (name: string, at: number): string => {
    const { dtype } = b.type(name);
    if (!isFloat(dtype)) return name;
    const key = `${at}:${name}`;
    let gate = gates.get(key);
    if (gate !== undefined) return gate;
    b.scope = `recompute/${at}/gate/`;
    let barrier = signals.get(at);
    if (!barrier) {
      barrier = new Barrier(b, [arrived!, ...finished.filter((other) => other !== arrived)]);
      signals.set(at, barrier);
      finished = [];
    }
    gate = b.op('Add', [name, barrier.nought(dtype)]);
    gates.set(key, gate);
    return gate;
  };

  /** Writes a node of a segment once more; its inputs from the segment must be there already. */
  const repeat = (node: Node, at: number): void => {
    let inputs = node.inputs.map((input) => {
      const from = segmentOf.get(input);
      if (from === undefined) return input;
      return kept.has(input) || from !== at ? gated(input, at) : again.get(input)!;
    });
    if (inputs.every((input, k) => input === node.inputs[k])) {
      // Computed from inputs and weights alone: without a gate it would be the same node once more.
      const delayed = cheapestFloat(b, node);
      if (delayed === undefined) {
        for (const output of node.outputs) again.set(output, output);
        return;
      }
      inputs = inputs.map((input) => (input === delayed ? gated(input, at) : input));
    }
    const made = node.outputs.map((output) => (output === '' ? '' : `recompute/${at}/${output}`));
    b.append({ ...node, name: `recompute/${at}/${node.name}`, inputs, outputs: made });
    recomputedNodes++;
    for (const [k, output] of node.outputs.entries()) if (output !== '') again.set(output, made[k]!);
  };

  /** The name under which a forward value is read by the backward. */
  const recomputed = (name: string): string => {
    const at = segmentOf.get(name);
    // The last segment's values are still there when the backward begins.
    if (at === undefined || at === last || kept.has(name)) return name;
    const open = [name];
    for (let value = open.at(-1); value !== undefined; value = open.at(-1)) {
      const node = again.has(value) ? undefined : producer.get(value)!;
      const missing = node?.inputs.filter(
        (input) => segmentOf.get(input) === at && !kept.has(input) && !again.has(input),
      );
      if (missing?.length) open.push(...missing);
      else {
        open.pop();
        if (node) repeat(node, at);
      }
    }
    return again.get(name)!;
  };

  const made = new Set<string>();
  for (const node of backward) {
    arrived = node.inputs.findLast((input) => made.has(input)) ?? arrived;
    const inputs = arrived === undefined ? node.inputs : node.inputs.map(recomputed);
    b.append({ ...node, inputs });
    for (const output of node.outputs) {
      if (output === '' || !isFloat(b.dtype(output))) continue;
      made.add(output);
      if (outputs.has(output)) finished.push(output);
    }
  }
  return { graph, recomputedNodes };
}

/**
 * The input that is cheapest to delay; undefined where its copy, gone once the node has run, would take more than twice
 * what keeping the node's outputs does: a weight rounded to float16 is worth it.
 */
function cheapestFloat(b: GraphBuilder, node: Node): string | undefined {
  const bytes = (name: string) => bytesOfType(b.type(name));
  const floats = node.inputs.filter((name) => name !== '' && isFloat(b.dtype(name)));
  const [cheapest] = floats.sort((x, y) => bytes(x) - bytes(y));
  const gained = node.outputs.reduce((sum, name) => sum + (name === '' ? 0 : bytes(name)), 0);
  return cheapest !== undefined && bytes(cheapest) <= 2 * gained ? cheapest : undefined;
}

/** Inputs of one Concat: WebGPU promises ten storage buffers to a shader. */
const concatenated = 8;

/** Zero-dimensional noughts that cannot be had before the given values are there. */
class Barrier {
  readonly #b: GraphBuilder;
  readonly #noughts = new Map<DataType, string>();

  constructor(b: GraphBuilder, values: readonly string[]) {
    this.#b = b;
    const alike = new Map<string, string[]>();
    for (const value of values) {
      const { dtype, shape } = b.type(value);
      const axes = shape.map((_, i) => i);
      const first =
        shape.length === 0
          ? b.op('Reshape', [value, b.ints([1])])
          : b.op('Slice', [value, b.ints(axes.map(() => 0)), b.ints(axes.map(() => 1)), b.ints(axes)]);
      const key = `${dtype}:${Math.max(shape.length, 1)}`;
      const group = alike.get(key);
      if (group) group.push(first);
      else alike.set(key, [first]);
    }
    const parts: string[] = [];
    for (const group of alike.values()) {
      for (let i = 0; i < group.length; i += concatenated) {
        const chunk = group.slice(i, i + concatenated);
        const joined = chunk.length === 1 ? chunk[0]! : b.op('Concat', chunk, { axis: 0 });
        const noughts = b.op('Mul', [joined, b.scalar(0, b.dtype(joined))]);
        parts.push(
          chunk.length === 1
            ? b.op('Reshape', [noughts, b.ints([])])
            : b.op('ReduceSum', [noughts], { keepdims: 0 }),
        );
      }
    }
    const [first] = parts;
    const dtype = b.dtype(first!);
    const same = parts.map((part) => this.#cast(part, dtype));
    this.#noughts.set(
      dtype,
      same.reduce((sum, part) => b.op('Add', [sum, part])),
    );
  }

  nought(dtype: DataType): string {
    let found = this.#noughts.get(dtype);
    if (found === undefined) {
      found = this.#cast([...this.#noughts.values()][0]!, dtype);
      this.#noughts.set(dtype, found);
    }
    return found;
  }

  #cast(value: string, to: DataType): string {
    return this.#b.dtype(value) === to ? value : this.#b.op('Cast', [value], { to: codeOf(to) });
  }
}

/** Values that cross into a later segment, or are outputs: these stay in memory. */
function keptValues(
  source: TypedGraph,
  forward: readonly Node[],
  segmentOf: ReadonlyMap<string, number>,
  last: number,
): Set<string> {
  const kept = new Set(source.outputs.map((output) => output.name).filter((name) => segmentOf.has(name)));
  for (const node of forward) {
    const here = Math.max(...node.outputs.map((output) => segmentOf.get(output) ?? last));
    for (const input of node.inputs) {
      const from = segmentOf.get(input);
      if (from !== undefined && from !== here) kept.add(input);
    }
  }
  return kept;
}

/**
 * Where to cut: near even shares of the forward's bytes, at the place in reach where the fewest bytes cross.
 * Returns node indices at which a new segment begins.
 */
function chooseCuts(source: TypedGraph, forward: readonly Node[], segments: number): number[] {
  const lastUse = new Map<string, number>();
  for (const [i, node] of forward.entries()) for (const input of node.inputs) lastUse.set(input, i);
  const bytesAt = (name: string) => bytesOfType(source.types.get(name) ?? { dtype: 'float32', shape: [0] });
  const crossing = new Float64Array(forward.length + 1);
  const grown = new Float64Array(forward.length + 1);
  const ending = new Map<number, number>();
  let alive = 0;
  for (const [i, node] of forward.entries()) {
    alive -= ending.get(i - 1) ?? 0;
    crossing[i] = alive;
    let made = 0;
    for (const output of node.outputs) {
      if (output === '') continue;
      const bytes = bytesAt(output);
      made += bytes;
      const until = lastUse.get(output);
      if (until === undefined) continue;
      alive += bytes;
      ending.set(until, (ending.get(until) ?? 0) + bytes);
    }
    grown[i + 1] = grown[i]! + made;
  }
  const total = grown[forward.length]!;
  const cuts: number[] = [];
  for (let k = 1; k < segments; k++) {
    const low = (total * (k - 0.4)) / segments;
    const high = (total * (k + 0.4)) / segments;
    let choice = -1;
    for (let i = (cuts.at(-1) ?? 0) + 1; i < forward.length; i++) {
      if (grown[i]! < low) continue;
      if (grown[i]! > high && choice >= 0) break;
      if (choice < 0 || crossing[i]! < crossing[choice]!) choice = i;
    }
    if (choice > 0) cuts.push(choice);
  }
  return cuts;
}

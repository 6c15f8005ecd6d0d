import { GraphBuilder } from '../onnx/builder.ts';
import { bytesOfType, liveness } from '../onnx/liveness.ts';
import type { Node, TypedGraph } from '../onnx/model.ts';

export interface RecomputeRequest {
  /** Number of forward nodes: those before it in the node list are forward, the others backward. */
  forwardNodes: number;
  /** Bytes that inner values may take at once. */
  budget: number;
  /** Largest number of segments tried. */
  maxSegments?: number;
}

export interface RecomputeResult {
  graph: TypedGraph;
  /** 1 means that nothing is recomputed. */
  segments: number;
  /** Forward nodes that run a second time. */
  recomputedNodes: number;
  /** Planned peak of inner values, bytes, as {@link liveness} counts it. */
  peakBytes: number;
  /** Whether the peak is within the budget; otherwise this is the smallest peak found. */
  fits: boolean;
}

/**
 * Trades time for memory (Chen et al. 2016, "Training deep nets with sublinear memory cost"): the forward is cut into
 * segments, only values that cross a cut are kept for the backward, and each segment's other values are computed
 * again when its backward begins. The fewest segments that meet the budget are taken.
 *
 * A runtime is free to order independent nodes and to merge equal ones, and either would bring the memory back. So
 * every kept value enters its recomputation through a gate that adds nought times an element of the gradient that has
 * arrived by then: recomputed nodes are different nodes to any common-subexpression pass, and cannot run before the
 * backward reaches their segment. Values are unchanged (a gradient that is not finite spoils the step in any case).
 */
export function recompute(source: TypedGraph, request: RecomputeRequest): RecomputeResult {
  const plain = liveness(source).peakBytes;
  let best: RecomputeResult = {
    graph: source,
    segments: 1,
    recomputedNodes: 0,
    peakBytes: plain,
    fits: plain <= request.budget,
  };
  const most = request.maxSegments ?? 64;
  for (let segments = 2; segments <= most && !best.fits; segments = segments < 8 ? segments + 1 : Math.ceil(segments * 1.3)) {
    const tried = cutInto(source, request.forwardNodes, segments);
    const peakBytes = liveness(tried.graph).peakBytes;
    if (peakBytes < best.peakBytes) best = { ...tried, segments, peakBytes, fits: peakBytes <= request.budget };
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

  const graph: TypedGraph = {
    ...source,
    nodes: [...forward],
    initializers: new Map(source.initializers),
    types: new Map([...source.types].filter(([name]) => !madeBy(backward).has(name))),
  };
  const producer = new Map(forward.flatMap((node) => node.outputs.map((o) => [o, node] as const)));
  const b = new GraphBuilder(graph);
  const again = new Map<string, string>();
  const gates = new Map<string, string>();
  let signal = '';
  let recomputedNodes = 0;

  /** The kept value, delayed until the backward has come as far as this segment. */
  const gated = (name: string, at: number): string => {
    const key = `${at}:${name}`;
    const known = gates.get(key);
    if (known !== undefined) return known;
    const { dtype } = b.type(name);
    b.scope = `recompute/${at}/gate/`;
    const gate = dtype === b.dtype(signal) ? b.op('Add', [name, nought(b, signal)]) : name;
    gates.set(key, gate);
    return gate;
  };

  /** The name under which a forward value is read by the backward. */
  const recomputed = (name: string): string => {
    const at = segmentOf.get(name);
    // The last segment's values are still there when the backward begins.
    if (at === undefined || at === last || kept.has(name)) return name;
    const known = again.get(name);
    if (known !== undefined) return known;
    const node = producer.get(name)!;
    const inputs = node.inputs.map((input) => {
      const from = segmentOf.get(input);
      if (input === '' || from === undefined) return input;
      if (kept.has(input) || from !== at) return gated(input, at);
      return recomputed(input);
    });
    const outputs = node.outputs.map((output) => (output === '' ? '' : `recompute/${at}/${output}`));
    b.append({ ...node, name: `recompute/${at}/${node.name}`, inputs, outputs });
    recomputedNodes++;
    for (const [k, output] of node.outputs.entries()) if (output !== '') again.set(output, outputs[k]!);
    return again.get(name)!;
  };

  const made = new Set<string>();
  for (const node of backward) {
    const arrived = node.inputs.findLast((input) => made.has(input));
    if (arrived !== undefined) signal = arrived;
    const inputs = signal === '' ? node.inputs : node.inputs.map(recomputed);
    b.append({ ...node, inputs });
    for (const output of node.outputs) {
      if (output !== '' && source.types.get(output)?.dtype.startsWith('float')) made.add(output);
    }
  }
  return { graph, recomputedNodes };
}

/** A zero-dimensional nought that depends on a value: its first element times nought. */
function nought(b: GraphBuilder, signal: string): string {
  const { dtype, shape } = b.type(signal);
  const axes = shape.map((_, i) => i);
  const first =
    shape.length === 0
      ? signal
      : b.op('Slice', [signal, b.ints(axes.map(() => 0)), b.ints(axes.map(() => 1)), b.ints(axes)]);
  const scalar = shape.length === 0 ? first : b.op('Reshape', [first, b.ints([])]);
  return b.op('Mul', [scalar, b.scalar(0, dtype)]);
}

function madeBy(nodes: readonly Node[]): Set<string> {
  return new Set(nodes.flatMap((node) => node.outputs));
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

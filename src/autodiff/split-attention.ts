import { GraphBuilder } from '../onnx/builder.ts';
import { sizeOf, widthOf } from '../onnx/data-types.ts';
import type { Node, TypedGraph } from '../onnx/model.ts';
import { GraphView } from '../onnx/passes/rewrite.ts';

export interface SplitAttentionResult {
  graph: TypedGraph;
  /** How many attentions were split. */
  split: number;
}

/**
 * Splits attention whose scores would be larger than a buffer may be: MatMul, any scaling and masking, Softmax, MatMul
 * are computed by groups of heads and, where one head is too large already, by groups of queries, and joined again.
 * Rows of a softmax do not meet, so results are the same. To be done before differentiation, whose backward is then
 * in parts as well; the parts also give recomputation more places to cut.
 *
 * @param maxBytes largest scores allowed, such as the adapter's `maxStorageBufferBindingSize`
 * @param keep inner values that must stay as they are, besides the outputs
 */
export function splitAttention(
  source: TypedGraph,
  maxBytes: number,
  keep: Iterable<string> = [],
): SplitAttentionResult {
  const view = new GraphView(source, keep);
  const found = new Map<Node, Attention>();
  const gone = new Set<Node>();
  for (const node of source.nodes) {
    if (node.domain !== '' || node.op !== 'Softmax') continue;
    const attention = attentionAround(view, node);
    if (!attention || attention.bytes <= maxBytes) continue;
    found.set(attention.last, attention);
    for (const inner of [attention.first, ...attention.between, attention.last]) gone.add(inner);
  }
  if (found.size === 0) return { graph: source, split: 0 };
  const types = new Map(source.types);
  for (const node of gone) for (const name of node.outputs) types.delete(name);
  const graph: TypedGraph = { ...source, nodes: [], initializers: new Map(source.initializers), types };
  const b = new GraphBuilder(graph);
  for (const node of source.nodes) {
    const attention = found.get(node);
    if (attention) {
      b.scope = `${node.name}/split/`;
      write(b, attention, maxBytes);
    } else if (!gone.has(node)) graph.nodes.push(node);
  }
  return { graph, split: found.size };
}

/** Inputs of a node between the two products: the scores are at `scores`, the others broadcast to them. */
interface Step {
  node: Node;
  scores: number;
}

interface Attention {
  first: Node;
  between: Node[];
  steps: Step[];
  last: Node;
  /** Of the scores [..., queries, keys]. */
  shape: readonly number[];
  /** Of the largest of the values between the products. */
  bytes: number;
}

/** Element by element, with any other operands broadcast to the scores. */
const elementwise = ['Mul', 'Div', 'Add', 'Sub', 'Where', 'Cast', 'Min', 'Max', 'Clip', 'Identity'];

function attentionAround(view: GraphView, softmax: Node): Attention | undefined {
  const shape = view.type(softmax.inputs[0]!)?.shape;
  const axis = softmax.attributes['axis'];
  const at = axis?.type === 'int' ? axis.value : -1;
  if (!shape || shape.length < 2 || (at !== -1 && at !== shape.length - 1)) return undefined;
  const isScores = (name: string) => view.type(name)?.shape.join() === shape.join();

  const steps: Step[] = [{ node: softmax, scores: 0 }];
  let input = softmax.inputs[0]!;
  let first: Node | undefined;
  for (;;) {
    const node = view.producer(input, 'MatMul', ...elementwise);
    if (!node || !view.soleConsumer(input, 'Softmax', ...elementwise)) return undefined;
    if (node.op === 'MatMul') {
      first = node;
      break;
    }
    // Of two operands of the scores' shape, the one that leads to the product is the scores.
    const candidates = node.inputs.map((name, i) => ({ name, i })).filter(({ name }) => isScores(name));
    const next = candidates.find(({ name }) => view.producer(name, 'MatMul', ...elementwise));
    if (!next) return undefined;
    steps.unshift({ node, scores: next.i });
    input = next.name;
  }
  let output = softmax.outputs[0]!;
  let last: Node | undefined;
  for (;;) {
    const node = view.soleConsumer(output, 'MatMul', ...elementwise);
    if (!node) return undefined;
    const place = node.inputs.indexOf(output);
    if (place !== node.inputs.lastIndexOf(output)) return undefined;
    if (node.op === 'MatMul') {
      if (place !== 0) return undefined;
      last = node;
      break;
    }
    if (!isScores(node.outputs[0]!)) return undefined;
    steps.push({ node, scores: place });
    output = node.outputs[0]!;
  }
  const rank = shape.length;
  // Vectors would add and drop axes.
  const operands = [...first.inputs, last.inputs[1]!].map((name) => view.type(name)?.shape.length ?? 0);
  if (operands.some((length) => length < 2 || length > rank)) return undefined;
  if (view.type(last.outputs[0]!)?.shape.length !== rank) return undefined;
  const between = steps.map(({ node }) => node);
  const widest = Math.max(...between.map((node) => widthOf(view.type(node.outputs[0]!)!.dtype)));
  return { first, between, steps, last, shape, bytes: sizeOf(shape) * widest };
}

/** The operands of a part of the attention. */
interface Operands {
  query: string;
  /** Transposed: [..., size, keys]. */
  key: string;
  value: string;
  /** For each step its inputs other than the scores. */
  others: string[][];
}

function write(b: GraphBuilder, attention: Attention, maxBytes: number): void {
  const { first, last, steps } = attention;
  const [query, key] = first.inputs as [string, string];
  const others = steps.map(({ node, scores }) => node.inputs.filter((_, i) => i !== scores));
  const parts = partsFor(attention, maxBytes);
  const result = attend(b, attention, { query, key, value: last.inputs[1]!, others }, parts);
  const [output] = last.outputs;
  b.append({
    name: last.name,
    op: 'Identity',
    domain: '',
    inputs: [result],
    outputs: [output!],
    attributes: {},
  });
  // The join itself takes the output's name.
  const join = b.graph.nodes.at(-2)!;
  b.graph.nodes.splice(-2, 2, { ...join, outputs: [output!] });
  b.graph.types.delete(result);
}

interface Parts {
  /** Counted from the end: 2 is the axis of the queries. */
  axis: number;
  sizes: number[];
}

/** Along which axes to split, outermost first: heads and batch as far as needed, then queries. */
function partsFor({ shape, bytes }: Attention, maxBytes: number): Parts[] {
  const axes = [...shape.keys()].slice(0, -2).sort((x, y) => shape[y]! - shape[x]!);
  const result: Parts[] = [];
  let left = bytes;
  for (const at of [...axes, shape.length - 2]) {
    if (left <= maxBytes) break;
    const size = shape[at]!;
    if (size === 1) continue;
    const each = Math.max(1, Math.floor((maxBytes * size) / left));
    const count = Math.ceil(size / each);
    const sizes = Array.from({ length: count }, (_, i) => Math.ceil((size - i) / count));
    result.push({ axis: shape.length - at, sizes });
    left = (left / size) * sizes[0]!;
  }
  return result;
}

function attend(b: GraphBuilder, attention: Attention, operands: Operands, parts: readonly Parts[]): string {
  const [part, ...inner] = parts;
  if (!part) return attendWhole(b, attention, operands);
  const split = (name: string) => splitAlong(b, name, part);
  const queries = part.axis === 2;
  const query = split(operands.query);
  const key = queries ? undefined : split(operands.key);
  const value = queries ? undefined : split(operands.value);
  const others = operands.others.map((names) => names.map(split));
  const results = part.sizes.map((_, i) =>
    attend(
      b,
      attention,
      {
        query: query[i]!,
        key: key?.[i] ?? operands.key,
        value: value?.[i] ?? operands.value,
        others: others.map((names) => names.map((pieces) => pieces[i]!)),
      },
      inner,
    ),
  );
  return joinAlong(b, results, b.shape(results[0]!).length - part.axis);
}

function attendWhole(b: GraphBuilder, { steps }: Attention, { query, key, value, others }: Operands): string {
  let scores = b.op('MatMul', [query, key]);
  for (const [i, { node, scores: place }] of steps.entries()) {
    const inputs = [...others[i]!];
    inputs.splice(place, 0, scores);
    scores = b.op(node.op, inputs, node.attributes);
  }
  return b.op('MatMul', [scores, value]);
}

/** Buffers that one split or join may touch: WebGPU promises ten storage buffers to a shader. */
const most = 8;

/** The parts of an operand; an operand that is broadcast along the axis, or lacks it, is in every part. */
function splitAlong(b: GraphBuilder, name: string, { axis, sizes }: Parts): string[] {
  if (name === '') return sizes.map(() => name);
  const shape = b.shape(name);
  const at = shape.length - axis;
  if (at < 0 || shape[at] === 1) return sizes.map(() => name);
  if (sizes.length === 1) return [name];
  const groups = grouped(sizes);
  const totals = groups.map((group) => group.reduce((sum, size) => sum + size, 0));
  const pieces = b.ops('Split', [name, b.ints(totals)], { axis: at }, groups.length);
  return groups.length === sizes.length
    ? pieces
    : groups.flatMap((group, i) => splitAlong(b, pieces[i]!, { axis, sizes: group }));
}

function joinAlong(b: GraphBuilder, names: readonly string[], axis: number): string {
  if (names.length === 1) return names[0]!;
  const groups = grouped(names);
  return b.op(
    'Concat',
    groups.map((group) => joinAlong(b, group, axis)),
    { axis },
  );
}

/** At most {@link most} groups of nearly equal length. */
function grouped<T>(items: readonly T[]): T[][] {
  const count = Math.min(most, items.length);
  const ends = Array.from({ length: count + 1 }, (_, i) => Math.round((i * items.length) / count));
  return ends.slice(1).map((end, i) => items.slice(ends[i], end));
}

import { float, type GraphBuilder } from '../builder.ts';
import { sizeOf } from '../data-types.ts';
import type { Node, TypedGraph } from '../model.ts';
import { tensorOf } from '../tensors.ts';
import { type GraphView, nearly, rewriteNodes } from './rewrite.ts';

/** Elements along the normalised axes for which a scale of ones is made. */
const widest = 2 ** 20;

/** A division by the standard deviation, and what follows it. */
interface Match {
  readonly input: string;
  readonly axis: number;
  readonly epsilon: number;
  readonly scale?: string;
  readonly bias?: string;
}

/**
 * Joins a layer norm that an exporter spelled out,
 * `(x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon) * scale + bias`, into LayerNormalization. The square may be
 * a Pow or a Mul, the division a Mul by Reciprocal, and casts around the variance are dropped: LayerNormalization
 * computes its statistics in float32 anyway. Only trailing axes qualify.
 */
export function fuseLayerNorm(graph: TypedGraph, keep: Iterable<string> = []): TypedGraph {
  return rewriteNodes(graph, keep, (view) => {
    const roots = new Map<Node, Match>();
    for (const node of graph.nodes) plan(node, view, roots);
    return (node, b) => {
      const match = roots.get(node);
      return match && [layerNormalization(node, match, b)];
    };
  });
}

function plan(node: Node, view: GraphView, roots: Map<Node, Match>): void {
  const core = normalised(node, view);
  if (!core || sizeOf(view.type(core.input)!.shape.slice(core.axis)) > widest) return;
  const scaling = view.soleConsumer(node.outputs[0]!, 'Mul');
  const scale = scaling && affine(scaling, node.outputs[0]!, core, view);
  if (!scaling || scale === undefined) {
    roots.set(node, core);
    return;
  }
  const shifting = view.soleConsumer(scaling.outputs[0]!, 'Add');
  const bias = shifting && affine(shifting, scaling.outputs[0]!, core, view);
  if (!shifting || bias === undefined) roots.set(scaling, { ...core, scale });
  else roots.set(shifting, { ...core, scale, bias });
}

/** The operand that scales or shifts along the normalised axes, when it is an initialiser that does only that. */
function affine(node: Node, value: string, core: Match, view: GraphView): string | undefined {
  const [a, b] = node.inputs;
  const other = a === value ? b : a;
  if (other === undefined || other === value || !view.graph.initializers.has(other)) return undefined;
  const type = view.type(other);
  const input = view.type(core.input);
  if (!type || !input || type.dtype !== input.dtype) return undefined;
  const normalised = input.shape.slice(core.axis);
  return type.shape.join() === normalised.join() ? other : undefined;
}

/** Recognises the division (or multiplication by a reciprocal) that ends the normalisation proper. */
function normalised(node: Node, view: GraphView): Match | undefined {
  const [top, bottom] = node.inputs;
  if (node.domain !== '' || top === undefined || bottom === undefined) return undefined;
  if (node.op === 'Div') return overDeviation(top, bottom, view);
  if (node.op !== 'Mul') return undefined;
  for (const [centred, factor] of [
    [top, bottom],
    [bottom, top],
  ] as const) {
    const reciprocal = view.producer(beforeCast(factor, view), 'Reciprocal');
    const match = reciprocal && overDeviation(centred, reciprocal.inputs[0]!, view);
    if (match) return match;
  }
  return undefined;
}

function overDeviation(centredName: string, deviation: string, view: GraphView): Match | undefined {
  const centred = view.producer(centredName, 'Sub');
  const root = view.producer(beforeCast(deviation, view), 'Sqrt');
  const sum = root && view.producer(root.inputs[0]!, 'Add');
  if (!centred || !sum) return undefined;
  const [input, mean] = centred.inputs as [string, string];
  const average = averageOf(mean, view);
  if (!average || average.input !== input) return undefined;
  const type = view.type(input)!;
  if (view.type(centredName)?.shape.join() !== type.shape.join()) return undefined;
  for (const [variance, epsilonName] of [sum.inputs, [...sum.inputs].reverse()] as [string, string][]) {
    const epsilon = view.scalar(epsilonName);
    const spread = epsilon === undefined ? undefined : averageOf(beforeCast(variance, view), view);
    if (epsilon === undefined || !spread || spread.axis !== average.axis) continue;
    if (isSquareOf(spread.input, centredName, view)) return { input, axis: average.axis, epsilon };
  }
  return undefined;
}

/** The input and first axis of a mean over trailing axes that keeps its rank. */
function averageOf(name: string, view: GraphView): { input: string; axis: number } | undefined {
  const node = view.producer(name, 'ReduceMean');
  const input = node?.inputs[0];
  if (!node || input === undefined) return undefined;
  const shape = view.type(input)!.shape;
  const reduced = view.type(name)!.shape;
  const given = node.inputs[1] ? view.values(node.inputs[1]) : undefined;
  if (reduced.length !== shape.length || !given || given.length === 0) return undefined;
  const axes = given.map((axis) => (axis < 0 ? axis + shape.length : axis)).sort((a, b) => a - b);
  const trailing = axes.every((axis, i) => axis === shape.length - axes.length + i);
  return trailing ? { input, axis: axes[0]! } : undefined;
}

function isSquareOf(square: string, centred: string, view: GraphView): boolean {
  const node = view.producer(square, 'Pow', 'Mul');
  if (!node) return false;
  const [a, b] = node.inputs as [string, string];
  if (beforeCast(a, view) !== centred) return false;
  return node.op === 'Pow' ? nearly(view.scalar(b), 2) : beforeCast(b, view) === centred;
}

/** The value that a cast, if there is one, was applied to. */
function beforeCast(name: string, view: GraphView): string {
  return view.producer(name, 'Cast')?.inputs[0] ?? name;
}

function layerNormalization(root: Node, match: Match, b: GraphBuilder): Node {
  const { dtype, shape } = b.type(match.input);
  const normalised = shape.slice(match.axis);
  const count = sizeOf(normalised);
  const ones = () => b.shared(tensorOf(dtype, normalised, new Float32Array(count).fill(1)));
  return {
    name: root.name,
    op: 'LayerNormalization',
    domain: '',
    inputs: [match.input, match.scale ?? ones(), ...(match.bias === undefined ? [] : [match.bias])],
    outputs: root.outputs,
    attributes: { axis: { type: 'int', value: match.axis - shape.length }, epsilon: float(match.epsilon) },
  };
}

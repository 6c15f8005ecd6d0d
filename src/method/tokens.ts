import { GraphBuilder } from '../onnx/builder.ts';
import { UnsupportedModelError } from '../onnx/errors.ts';
import type { Node, TypedGraph } from '../onnx/model.ts';
import { intsOf } from '../onnx/tensors.ts';

/** A vision graph with every token in reach. */
export interface TokenGraph {
  /** The given graph with the nodes that make the tokens appended; still ends in its own outputs. */
  graph: TypedGraph;
  /** Name of the value [batch, 1 + patches, projection]: class token first, then patches in reading order. */
  tokens: string;
  /** Name of the pooled embedding [batch, projection]. */
  pooled: string;
  /** Name of the value that pooling picks the class token from: [batch, 1 + patches, width]. */
  hidden: string;
  /** Nodes from the class token to the embedding: the final norm and the output projection. */
  tail: string[];
}

/**
 * Promotes the patch tokens from inside a CLIP vision graph whose only output is the pooled embedding. DIVA's tokens
 * are those of the last layer after the final layer norm and the encoder's own output projection, not normalised
 * (models/SD_with_OpenAICLIP.py): what the file does to the class token after picking it is done to all tokens.
 *
 * The class token is found as the slice at index 0 of axis 1 of a rank-3 value, walking back from the embedding.
 *
 * @param embedding name of the pooled output; default: the graph's `image_embeds`, else its last rank-2 output
 * Throws {@link UnsupportedModelError} when no class token is picked on the way to the embedding.
 */
export function promoteTokens(source: TypedGraph, embedding = pooledOutput(source)): TokenGraph {
  const producer = new Map(source.nodes.flatMap((node) => node.outputs.map((o) => [o, node] as const)));
  const inTail = new Set<Node>();
  const picks = new Set<Node>();
  const open = [embedding];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    const node = producer.get(value);
    if (!node) {
      if (source.initializers.has(value) || value === '') continue;
      throw noClassToken(embedding);
    }
    if (inTail.has(node) || picks.has(node)) continue;
    if (classTokenSource(source, node) !== undefined) picks.add(node);
    else {
      inTail.add(node);
      open.push(...node.inputs);
    }
  }
  const [picked] = picks;
  if (picks.size !== 1 || !picked) throw noClassToken(embedding);
  const hidden = classTokenSource(source, picked)!;
  const tail = source.nodes.filter((node) => inTail.has(node));
  return applyTail(source, { hidden, embedding, picked, tail });
}

function noClassToken(embedding: string): UnsupportedModelError {
  return new UnsupportedModelError(
    'No class token is picked on the way to the image embedding, so its patch tokens cannot be found',
    { value: embedding },
    'Acuity refines ViT encoders with a class token: export the vision tower with last_hidden_state as an output',
  );
}

function pooledOutput(graph: TypedGraph): string {
  const rank2 = graph.outputs.filter((output) => graph.types.get(output.name)?.shape.length === 2);
  const named = rank2.find((output) => output.name === 'image_embeds') ?? rank2.at(-1);
  if (named) return named.name;
  throw new UnsupportedModelError(
    'The vision graph has no pooled embedding',
    { shapes: graph.outputs.map((output) => graph.types.get(output.name)?.shape) },
    'Choose a vision export with an output image_embeds [batch, projection]',
  );
}

/** The rank-3 value of which this node takes token 0, if it does. */
function classTokenSource(graph: TypedGraph, node: Node): string | undefined {
  const data = node.inputs[0] ?? '';
  if (graph.types.get(data)?.shape.length !== 3) return undefined;
  const constant = (i: number): number[] | undefined => {
    const tensor = graph.initializers.get(node.inputs[i] ?? '');
    return tensor?.data.kind === 'bytes' ? intsOf(tensor) : undefined;
  };
  if (node.op === 'Gather') {
    const axis = node.attributes['axis'];
    const onTokens = axis?.type === 'int' && (axis.value === 1 || axis.value === -2);
    return onTokens && constant(1)?.join() === '0' ? data : undefined;
  }
  if (node.op === 'Slice') {
    const [starts, ends, axes] = [constant(1), constant(2), constant(3)];
    return starts?.join() === '0' && ends?.join() === '1' && (axes?.join() === '1' || axes?.join() === '-2')
      ? data
      : undefined;
  }
  return undefined;
}

interface Tail {
  hidden: string;
  embedding: string;
  picked: Node;
  tail: Node[];
}

/** Repeats the nodes after the pick on all tokens. Only operators that work token by token may stand there. */
function applyTail(source: TypedGraph, { hidden, embedding, picked, tail }: Tail): TokenGraph {
  const graph: TypedGraph = {
    ...source,
    nodes: [...source.nodes],
    initializers: new Map(source.initializers),
    types: new Map(source.types),
  };
  const b = new GraphBuilder(graph, 'tokens/');
  const names = new Map([[picked.outputs[0]!, hidden]]);
  const of = (name: string) => names.get(name) ?? name;
  for (const node of tail) {
    const [out] = node.outputs;
    switch (node.op) {
      case 'Squeeze':
      case 'Flatten':
      case 'Reshape':
        names.set(out!, of(node.inputs[0]!));
        break;
      case 'MatMul':
      case 'Add':
      case 'Mul':
      case 'Sub':
      case 'Div':
      case 'Pow':
      case 'Sqrt':
      case 'Cast':
      case 'Identity':
        names.set(out!, b.op(node.op, node.inputs.map(of), node.attributes));
        break;
      case 'LayerNormalization':
        names.set(out!, b.op(node.op, node.inputs.map(of), { ...node.attributes, axis: -1 }));
        break;
      case 'ReduceMean':
        // A decomposed norm: over the last axis of the class token, hence over the last of all tokens.
        if (!reducesLastAxis(source, node)) throw notTokenByToken(node);
        names.set(out!, b.op(node.op, [of(node.inputs[0]!), b.ints([-1])], node.attributes));
        break;
      case 'Gemm':
        names.set(out!, gemmOnTokens(b, node, of));
        break;
      default:
        throw notTokenByToken(node);
    }
  }
  return { graph, tokens: of(embedding), pooled: embedding, hidden, tail: tail.map((node) => node.name) };
}

function reducesLastAxis(graph: TypedGraph, node: Node): boolean {
  const axes = graph.initializers.get(node.inputs[1] ?? '');
  const last = (graph.types.get(node.inputs[0]!)?.shape.length ?? 0) - 1;
  const [axis, ...others] = axes?.data.kind === 'bytes' ? intsOf(axes) : [];
  return others.length === 0 && (axis === -1 || axis === last);
}

const notTokenByToken = (node: Node): UnsupportedModelError =>
  new UnsupportedModelError(
    'This operator between the class token and the embedding is not known to work token by token',
    { node: node.name, op: node.op },
    'Export the vision tower with its last_hidden_state as an output',
  );

function gemmOnTokens(b: GraphBuilder, node: Node, of: (name: string) => string): string {
  const number = (name: string, otherwise: number) => {
    const found = node.attributes[name];
    return found?.type === 'float' || found?.type === 'int' ? found.value : otherwise;
  };
  if (number('alpha', 1) !== 1 || number('beta', 1) !== 1 || number('transA', 0) !== 0) {
    throw new UnsupportedModelError('A scaled Gemm between the class token and the embedding', {
      node: node.name,
      op: 'Gemm',
    });
  }
  const [x, weight, bias] = node.inputs;
  const w = number('transB', 0) === 1 ? b.op('Transpose', [weight!], { perm: [1, 0] }) : weight!;
  const product = b.op('MatMul', [of(x!), w]);
  return bias ? b.op('Add', [product, bias]) : product;
}

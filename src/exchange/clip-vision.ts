import { UnsupportedModelError } from '../onnx/errors.ts';
import type { Graph, Node } from '../onnx/model.ts';
import { type Linear, type Norm, Structure, type Use } from './structure.ts';

/** A parameter of the architecture and where the graph uses it. */
export interface FoundParameter {
  /** As in the state dict of `CLIPVisionModelWithProjection` (transformers, models/clip/modeling_clip.py). */
  name: string;
  use: Use;
  transposed: boolean;
  /** In the state dict. */
  shape: number[];
}

/**
 * Finds every parameter of a CLIP vision tower in a graph by what is done with it: the patch convolution, the class
 * token joined to its output, the positions added, then layer by layer along the residual stream, and the head.
 * Queries and keys are told apart by their sides of the product under the softmax, values by the product above it.
 *
 * @throws UnsupportedModelError naming the part that is missing.
 */
export function findClipVision(graph: Graph): FoundParameter[] {
  const walk = new Walk(new Structure(graph));
  const stream = walk.embeddings();
  walk.head(walk.layers(stream));
  return walk.found;
}

class Walk {
  readonly found: FoundParameter[] = [];
  readonly #structure: Structure;

  constructor(structure: Structure) {
    this.#structure = structure;
  }

  /** From the pixels to the first layer's input, which it returns. */
  embeddings(): string {
    const s = this.#structure;
    const patches = s.graph.nodes.find(
      (node) => node.op === 'Conv' && s.parameter(node, 1)?.tensor.shape.length === 4,
    );
    if (!patches) throw missing('the convolution that makes patches');
    const joined = s.graph.nodes.find(
      (node) =>
        node.op === 'Concat' && node.inputs.some((input) => s.nearest(input, (other) => other === patches)),
    );
    const classInput = joined?.inputs.findIndex((_, i) => s.parameter(joined, i)) ?? -1;
    const classToken = joined && classInput >= 0 ? s.parameter(joined, classInput) : undefined;
    if (!joined || !classToken) throw missing('the class token beside the patches', patches);
    this.#keep('vision_model.embeddings.class_embedding', classToken, classToken.tensor.shape.slice(-1));
    this.#conv('vision_model.embeddings.patch_embedding', patches);

    const tokens = s.root(joined.outputs[0]!);
    const added = s.graph.nodes.find(
      (node) => node.op === 'Add' && node.inputs.some((input) => s.root(input) === tokens),
    );
    const positions = added && (s.parameter(added, 0) ?? s.parameter(added, 1));
    if (!added || !positions) throw missing('the position embedding', joined);
    this.#keep(
      'vision_model.embeddings.position_embedding.weight',
      positions,
      positions.tensor.shape.slice(-2),
    );
    // The misspelling is transformers' own.
    return this.#norm(
      'vision_model.pre_layrnorm',
      this.#normOf(added.outputs[0]!, 'the norm before the layers'),
    );
  }

  /** All layers; returns the residual stream after the last. */
  layers(stream: string): string {
    const s = this.#structure;
    for (let layer = 0; ; layer++) {
      const first = s.norms.find((norm) => s.root(norm.input) === s.root(stream));
      if (!first) {
        if (layer === 0) throw missing('the first layer');
        return stream;
      }
      const name = `vision_model.encoder.layers.${layer}`;
      const attention = this.#residual(stream, `the attention of layer ${layer}`);
      const [query, key, value] = this.#attention(attention.branch, layer);
      for (const [part, linear] of [
        ['q', query],
        ['k', key],
        ['v', value],
      ] as const) {
        if (s.root(linear.input) !== s.root(first.output))
          throw missing(`the norm before ${name}.self_attn.${part}_proj`);
        this.#linear(`${name}.self_attn.${part}_proj`, linear);
      }
      this.#linear(`${name}.self_attn.out_proj`, attention.branch);
      this.#norm(`${name}.layer_norm1`, first);

      const second = this.#normOf(attention.sum, `the second norm of layer ${layer}`);
      const mlp = this.#residual(attention.sum, `the MLP of layer ${layer}`);
      const hidden = this.#only(
        s.nearestLinears(mlp.branch.input),
        `the first half of the MLP of layer ${layer}`,
      );
      if (s.root(hidden.input) !== s.root(second.output)) throw missing(`the norm before ${name}.mlp.fc1`);
      this.#linear(`${name}.mlp.fc1`, hidden);
      this.#linear(`${name}.mlp.fc2`, mlp.branch);
      this.#norm(`${name}.layer_norm2`, second);
      stream = mlp.sum;
    }
  }

  /** The norm of the class token and, where there is one, the projection. */
  head(stream: string): void {
    const s = this.#structure;
    const norm = s.norms.find((other) => {
      const pick = s.producer(s.root(other.input));
      return (pick?.op === 'Gather' || pick?.op === 'Slice') && s.root(pick.inputs[0]!) === s.root(stream);
    });
    if (!norm) throw missing('the norm of the class token after the last layer');
    const output = this.#norm('vision_model.post_layernorm', norm);
    const projection = s.linears.find((linear) => s.root(linear.input) === s.root(output));
    if (projection) this.#linear('visual_projection', projection);
  }

  /** The linear layer whose output is added to the stream. */
  #residual(stream: string, what: string): { branch: Linear; sum: string } {
    const s = this.#structure;
    for (const node of s.graph.nodes) {
      if (node.op !== 'Add') continue;
      const side = node.inputs.findIndex((input) => s.root(input) === s.root(stream));
      const branch = side < 0 ? undefined : s.linearAt(node.inputs[1 - side]!);
      if (branch) return { branch, sum: node.outputs[0]! };
    }
    throw missing(what);
  }

  #attention(output: Linear, layer: number): [query: Linear, key: Linear, value: Linear] {
    const s = this.#structure;
    const what = `queries, keys and values of layer ${layer}`;
    const linear = (value: string) => this.#only(s.nearestLinears(value), what);
    const isProduct = (node: Node) => node.op === 'MatMul';
    const product = s.nearest(output.input, (node) => isProduct(node) || fusedAttention.has(node.op));
    if (!product) throw missing(what);
    let sides: [Linear, Linear, Linear];
    if (isProduct(product)) {
      const softmax = s.nearest(product.inputs[0]!, (node) => node.op === 'Softmax');
      const scores = softmax && s.nearest(softmax.inputs[0]!, isProduct);
      if (!scores) throw missing(what, product);
      sides = [linear(scores.inputs[0]!), linear(scores.inputs[1]!), linear(product.inputs[1]!)];
    } else {
      const [query = '', key = '', value = ''] = product.inputs;
      sides = [linear(query), linear(key), linear(value)];
    }
    if (new Set(sides).size !== 3) {
      throw new UnsupportedModelError(
        `Queries, keys and values of layer ${layer} come from one joined projection`,
        { node: sides[0].weight.node.name },
        'Export the encoder from transformers, which keeps them apart',
      );
    }
    return sides;
  }

  #normOf(value: string, what: string): Norm {
    const s = this.#structure;
    const norm = s.norms.find((other) => s.root(other.input) === s.root(value));
    if (!norm) throw missing(what);
    return norm;
  }

  #only(linears: Linear[], what: string): Linear {
    const [linear] = linears;
    if (linears.length !== 1 || !linear) throw missing(what);
    return linear;
  }

  #norm(name: string, norm: Norm): string {
    this.#keep(`${name}.weight`, norm.weight, norm.weight.tensor.shape.slice(-1));
    this.#keep(`${name}.bias`, norm.bias, norm.bias.tensor.shape.slice(-1));
    return norm.output;
  }

  #linear(name: string, { weight, transposed, bias }: Linear): void {
    const { shape } = weight.tensor;
    this.#keep(`${name}.weight`, weight, transposed ? [...shape].reverse() : [...shape], transposed);
    if (bias) this.#keep(`${name}.bias`, bias, bias.tensor.shape.slice(-1));
  }

  #conv(name: string, node: Node): void {
    const [weight, bias] = [this.#structure.parameter(node, 1), this.#structure.parameter(node, 2)];
    if (weight) this.#keep(`${name}.weight`, weight, [...weight.tensor.shape]);
    if (bias) this.#keep(`${name}.bias`, bias, [...bias.tensor.shape]);
  }

  #keep(name: string, use: Use, shape: number[], transposed = false): void {
    this.found.push({ name, use, transposed, shape });
  }
}

/** Attention as one operator: ONNX's from opset 23, and the native runtime's. */
const fusedAttention = new Set(['Attention', 'MultiHeadAttention']);

function missing(what: string, node?: Node): UnsupportedModelError {
  return new UnsupportedModelError(
    `This vision graph does not have the structure of a CLIP vision transformer: ${what} was not found`,
    node ? { node: node.name, op: node.op } : {},
    'Export the vision tower of a CLIPModel (ViT) from transformers',
  );
}

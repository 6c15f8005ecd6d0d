import { isFloat, sizeOf } from '../onnx/data-types.ts';
import type { Graph, Node, Tensor } from '../onnx/model.ts';

/** One place where a parameter is used: an operand, and the nodes on the way to it that only change its form. */
export interface Use {
  initializer: string;
  tensor: Tensor;
  /** From the initialiser to the operand; often empty. */
  chain: Node[];
  node: Node;
  /** Index among the node's inputs. */
  input: number;
}

/** x W + b, however the exporter spelled it. */
export interface Linear {
  input: string;
  output: string;
  weight: Use;
  /** The stored weight is [inputs, outputs], the transpose of PyTorch's. */
  transposed: boolean;
  bias: Use | undefined;
}

/** A layer norm, whole or in its parts. */
export interface Norm {
  input: string;
  output: string;
  weight: Use;
  bias: Use;
}

/** Operators that hand their first input on in another form. */
const passing = new Set(['Identity', 'Cast', 'Dropout', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten']);
/** What may stand between an initialiser and the operand that it is. */
const forming = new Set([...passing, 'Transpose', 'Expand', 'Gather']);
/** Operators whose further inputs are sizes and indices, not data. */
const onlyFirst = new Set([...forming, 'Slice', 'Split', 'Pad', 'Tile', 'ReduceMean']);

/**
 * Reads a graph by its structure: which values are parameters, which nodes make up linear layers and norms, what
 * comes from where. Names of initialisers play no part.
 */
export class Structure {
  readonly graph: Graph;
  readonly linears: Linear[] = [];
  readonly norms: Norm[] = [];
  readonly #producers = new Map<string, Node>();
  readonly #consumers = new Map<string, Node[]>();
  readonly #linearOf = new Map<string, Linear>();

  constructor(graph: Graph) {
    this.graph = graph;
    for (const node of graph.nodes) {
      for (const output of node.outputs) if (output !== '') this.#producers.set(output, node);
      for (const input of new Set(node.inputs)) {
        if (input === '') continue;
        const known = this.#consumers.get(input);
        if (known) known.push(node);
        else this.#consumers.set(input, [node]);
      }
    }
    for (const node of graph.nodes) {
      const linear = this.#linear(node);
      if (linear) {
        this.linears.push(linear);
        this.#linearOf.set(this.root(linear.output), linear);
      }
      const norm = node.op === 'LayerNormalization' ? this.#wholeNorm(node) : this.#normInParts(node);
      if (norm) this.norms.push(norm);
    }
  }

  producer(value: string): Node | undefined {
    return this.#producers.get(value);
  }

  consumers(value: string): readonly Node[] {
    return this.#consumers.get(value) ?? [];
  }

  /** The value that this one is another form of: before casts, reshapes and the like. */
  root(value: string): string {
    for (;;) {
      const node = this.#producers.get(value);
      const from = node && passing.has(node.op) ? node.inputs[0] : undefined;
      if (from === undefined) return value;
      value = from;
    }
  }

  /** The parameter behind an operand: a floating-point initialiser of several elements. */
  parameter(node: Node, input: number): Use | undefined {
    const chain: Node[] = [];
    let value = node.inputs[input] ?? '';
    for (;;) {
      const tensor = this.graph.initializers.get(value);
      if (tensor) {
        const real = isFloat(tensor.dtype) && sizeOf(tensor.shape) > 1;
        return real ? { initializer: value, tensor, chain: chain.reverse(), node, input } : undefined;
      }
      const from = this.#producers.get(value);
      if (!from || !forming.has(from.op)) return undefined;
      chain.push(from);
      value = from.inputs[0] ?? '';
    }
  }

  /** The linear layer whose output a value is. */
  linearAt(value: string): Linear | undefined {
    return this.#linearOf.get(this.root(value));
  }

  /** The linear layers that a value is computed from, without those before them. */
  nearestLinears(value: string): Linear[] {
    const found = new Set<Linear>();
    this.#walkBack(value, (name) => {
      const linear = this.#linearOf.get(name);
      if (linear) found.add(linear);
      return linear === undefined;
    });
    return [...found];
  }

  /** The nearest node of an operator that a value is computed from, linear layers and what lies before them apart. */
  nearest(value: string, matches: (node: Node) => boolean): Node | undefined {
    let found: Node | undefined;
    this.#walkBack(value, (name) => {
      const node = this.#producers.get(name);
      if (node && !found && matches(node)) found = node;
      return found === undefined && !this.#linearOf.has(name);
    });
    return found;
  }

  /** Breadth first over data inputs; `goOn` says whether to look behind a value. */
  #walkBack(start: string, goOn: (value: string) => boolean): void {
    const seen = new Set<string>([start]);
    const queue = [start];
    for (let value = queue.shift(); value !== undefined; value = queue.shift()) {
      if (!goOn(value)) continue;
      const node = this.#producers.get(value);
      if (!node || node.op === 'Shape' || node.op === 'Size') continue;
      for (const input of onlyFirst.has(node.op) ? node.inputs.slice(0, 1) : node.inputs) {
        if (input === '' || seen.has(input)) continue;
        seen.add(input);
        queue.push(input);
      }
    }
  }

  #linear(node: Node): Linear | undefined {
    if (node.op !== 'MatMul' && node.op !== 'Gemm') return undefined;
    const weight = this.parameter(node, 1);
    const [input, output] = [node.inputs[0], node.outputs[0]];
    if (weight?.tensor.shape.length !== 2 || input === undefined || output === undefined) return undefined;
    const flips = weight.chain.filter((link) => link.op === 'Transpose').length;
    const turns = node.attributes['transB'];
    const outputsFirst =
      (node.op === 'Gemm' && turns?.type === 'int' && turns.value === 1) !== (flips % 2 === 1);
    const layer = { input, weight, transposed: !outputsFirst };
    const inside = node.op === 'Gemm' ? this.parameter(node, 2) : undefined;
    if (inside) return { ...layer, output, bias: inside };
    const added = this.#addedParameter(output, weight.tensor.shape[outputsFirst ? 0 : 1]!);
    return added
      ? { ...layer, output: added.node.outputs[0]!, bias: added }
      : { ...layer, output, bias: undefined };
  }

  /** The parameter of `size` elements that is added to a value, in whatever form. */
  #addedParameter(value: string, size: number): Use | undefined {
    for (const node of this.consumers(value)) {
      if (passing.has(node.op) && node.inputs[0] === value) {
        const further = this.#addedParameter(node.outputs[0]!, size);
        if (further) return further;
      }
      const use = node.op === 'Add' ? this.#operand(node) : undefined;
      if (use && sizeOf(use.tensor.shape) === size) return use;
    }
    return undefined;
  }

  /** The one operand of a binary operator that is a parameter. */
  #operand(node: Node): Use | undefined {
    const [a, b] = [this.parameter(node, 0), this.parameter(node, 1)];
    return a && b ? undefined : (a ?? b);
  }

  #wholeNorm(node: Node): Norm | undefined {
    const [weight, bias] = [this.parameter(node, 1), this.parameter(node, 2)];
    if (!weight || !bias) return undefined;
    return { input: node.inputs[0]!, output: node.outputs[0]!, weight, bias };
  }

  /** (x - mean) / deviation * weight + bias, found from its last addition. */
  #normInParts(node: Node): Norm | undefined {
    if (node.op !== 'Add') return undefined;
    const bias = this.#operand(node);
    const scaled = bias && this.#producers.get(this.root(node.inputs[1 - bias.input]!));
    if (!bias || scaled?.op !== 'Mul') return undefined;
    const weight = this.#operand(scaled);
    const divided = weight && this.#producers.get(this.root(scaled.inputs[1 - weight.input]!));
    if (!weight || (divided?.op !== 'Div' && divided?.op !== 'Mul')) return undefined;
    for (const value of divided.inputs) {
      const centered = this.#producers.get(this.root(value));
      if (centered?.op === 'Sub')
        return { input: centered.inputs[0]!, output: node.outputs[0]!, weight, bias };
    }
    return undefined;
  }
}

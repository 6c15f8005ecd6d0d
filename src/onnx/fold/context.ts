import { InferContext } from '../infer/context.ts';
import type { Node, Tensor, TensorType } from '../model.ts';
import { valuesOf } from '../tensors.ts';

/** What an evaluator sees: one node, its inputs in memory and the inferred types of its outputs. */
export class EvaluateContext extends InferContext {
  readonly #tensors: readonly (Tensor | undefined)[];
  readonly #out: readonly TensorType[];

  constructor(
    node: Node,
    opset: number,
    tensors: readonly (Tensor | undefined)[],
    out: readonly TensorType[],
  ) {
    super(node, opset, tensors, (i) => tensors[i]);
    this.#tensors = tensors;
    this.#out = out;
  }

  tensor(i: number): Tensor {
    return this.#tensors[i] ?? this.fail(`Input ${i} is required and missing`);
  }

  /** The elements of an input as numbers. */
  numbers(i: number): number[] {
    return valuesOf(this.tensor(i));
  }

  /** The inferred type of an output. */
  out(i = 0): TensorType {
    return this.#out[i] ?? this.fail(`Output ${i} has no type`);
  }
}

/** Computes a node's outputs; undefined where the result could not be represented exactly enough. */
export type Evaluator = (c: EvaluateContext) => readonly Tensor[] | undefined;

export type EvaluatorTable = Readonly<Record<string, Evaluator>>;

import type { GraphBuilder } from '../onnx/builder.ts';
import type { Node, Tensor } from '../onnx/model.ts';

/**
 * What a derivative rule sees: one forward node, the incoming gradients of its outputs, and a builder to write the
 * backward nodes with. Values of the forward graph (inputs and outputs of the node) may be used freely.
 */
export interface RuleContext {
  readonly node: Node;
  readonly b: GraphBuilder;
  /** Names of the node's inputs; '' where an optional one is omitted. */
  readonly inputs: readonly string[];
  /** Names of the node's outputs. */
  readonly outputs: readonly string[];
  /** Gradient of the loss with respect to each output, of the output's shape and dtype; undefined where none flows. */
  readonly grads: readonly (string | undefined)[];
  /** The gradient of the first output, for the many operators with a single one. Throws when none flows. */
  readonly grad: string;
  /** Whether the gradient of input `i` is needed: rules should skip the work otherwise. */
  wants(i: number): boolean;
  shape(i: number): readonly number[];
  /** The constant behind input `i`, when it is known before the graph runs. */
  constant(i: number): Tensor | undefined;
  /** The elements of a constant integer input; refuses, naming the node, when it is not constant. */
  ints(i: number): number[];
  /** Attributes by name with the operator's default. */
  int(name: string, otherwise: number): number;
  intList(name: string): readonly number[] | undefined;
  float(name: string, otherwise: number): number;
  string(name: string, otherwise: string): string;
  /** Refuses this node: throws a GradientError that names the node, its shapes and the path from the loss. */
  refuse(problem: string, fix: string): never;
}

/**
 * Returns the gradient of each input, in the input's own shape and dtype (see `unbroadcast`), undefined where none
 * is wanted or none exists.
 */
export type Rule = (c: RuleContext) => readonly (string | undefined)[];

/** Derivative rules by operator: `domain::Op` for operators outside the standard set, plain `Op` inside it. */
export type RuleTable = Readonly<Record<string, Rule>>;

import { sizeOf } from '../data-types.ts';
import { InferContext } from '../infer/context.ts';
import { shapeRange } from '../infer/generators.ts';
import type { Node, Tensor, TensorType } from '../model.ts';
import { tensorOf } from '../tensors.ts';
import { EvaluateContext, type EvaluatorTable } from './context.ts';
import { elementwise } from './elementwise.ts';
import { generators } from './generators.ts';
import { indexing } from './indexing.ts';
import { linalg } from './linalg.ts';
import { movement } from './movement.ts';
import { reduction } from './reduction.ts';

const evaluators: EvaluatorTable = {
  ...elementwise,
  ...movement,
  ...indexing,
  ...reduction,
  ...generators,
  ...linalg,
};

/**
 * Computes a node whose inputs are all in memory: the operators of shape arithmetic and of small constant subgraphs.
 *
 * `types` are the outputs' types as `inferNode` gives them. Numbers are computed in double precision and rounded once
 * to the output's element type; elements that only move are copied bit by bit. Returns undefined for an operator
 * without an evaluator and for results that could not be held exactly (int64 beyond 2^53, division by zero).
 */
export function evaluate(
  node: Node,
  opset: number,
  inputs: readonly (Tensor | undefined)[],
  types: readonly TensorType[],
): readonly Tensor[] | undefined {
  if (!canEvaluate(node)) return undefined;
  if (inputs.some((tensor) => tensor && tensor.data.kind !== 'bytes')) return undefined;
  if ([...inputs, ...types].some((type) => type && extentOf(type.shape) > largestExtent)) return undefined;
  return evaluators[node.op]!(new EvaluateContext(node, opset, inputs, types));
}

/** Elements of the largest tensor that is worth computing with here, empty axes counted as one. */
const largestExtent = 2 ** 24;

const extentOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * Math.max(d, 1), 1);

/** Computes Shape and Size, which need their input's type alone; undefined for every other operator. */
export function evaluateFromType(
  node: Node,
  opset: number,
  input: TensorType | undefined,
): Tensor | undefined {
  if (node.domain !== '' || !input) return undefined;
  if (node.op === 'Size') return tensorOf('int64', [], [sizeOf(input.shape)]);
  if (node.op !== 'Shape') return undefined;
  const { start, end } = shapeRange(
    new InferContext(node, opset, [input], () => undefined),
    input.shape.length,
  );
  const shape = input.shape.slice(start, end);
  return tensorOf('int64', [shape.length], shape);
}

/** Whether the operator of a node has an evaluator at all. */
export function canEvaluate(node: Node): boolean {
  return node.domain === '' && Object.hasOwn(evaluators, node.op);
}

import { UnsupportedModelError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Node, Tensor, TensorType } from '../model.ts';
import { attentions } from './attention.ts';
import { InferContext, type InferRule, type InferTable } from './context.ts';
import { contrib } from './contrib.ts';
import { convolutions } from './convolution.ts';
import { elementwise } from './elementwise.ts';
import { generators } from './generators.ts';
import { indexing } from './indexing.ts';
import { linalg } from './linalg.ts';
import { losses } from './losses.ts';
import { movement } from './movement.ts';
import { normalisation } from './normalisation.ts';
import { quantisation } from './quantisation.ts';
import { recurrent } from './recurrent.ts';
import { reduction } from './reduction.ts';
import { sampling } from './resize.ts';

const standard: InferTable = {
  ...elementwise,
  ...movement,
  ...indexing,
  ...generators,
  ...reduction,
  ...linalg,
  ...convolutions,
  ...normalisation,
  ...attentions,
  ...quantisation,
  ...losses,
  ...recurrent,
  ...sampling,
};

const domains: ReadonlyMap<string, InferTable> = new Map([
  ['', standard],
  ['com.microsoft', contrib],
]);

/**
 * The exact types of a node's outputs, in order; optional outputs are given even when the node omits them.
 *
 * `inputs` holds one type for each input, undefined where it is omitted; `constant` gives the elements of inputs that
 * are known before the graph runs (shapes, axes, ...). Throws {@link UnsupportedModelError} for an operator that is not
 * known, and `ShapeError` for shapes or types that the operator does not allow or that depend on a non-constant input.
 *
 * Source: ONNX operator definitions, opset 9 to 28 (https://onnx.ai/onnx/operators/).
 */
export function inferNode(
  node: Node,
  opset: number,
  inputs: readonly (TensorType | undefined)[],
  constant: (i: number) => Tensor | undefined,
): TensorType[] {
  const context = new InferContext(node, opset, inputs, constant);
  const types = ruleOf(node, inputs)(context);
  if (types.length < node.outputs.length)
    context.fail(`The node has ${node.outputs.length} outputs, the operator ${types.length}`);
  for (const { shape } of types) {
    if (shape.length > limits.rank) context.fail(`An output would have ${shape.length} axes`);
    let elements = 1;
    for (const d of shape) {
      if (!Number.isSafeInteger(d) || d < 0) context.fail(`An output would have shape [${shape.join(', ')}]`);
      elements *= Math.max(d, 1);
    }
    if (!Number.isSafeInteger(elements))
      context.fail(`An output would have shape [${shape.join(', ')}], too large`);
  }
  return types;
}

/** Whether an operator's types can be inferred. */
export function isKnownOperator(domain: string, op: string): boolean {
  const table = domains.get(domain);
  return table !== undefined && Object.hasOwn(table, op);
}

function ruleOf(node: Node, inputs: readonly (TensorType | undefined)[]): InferRule {
  const table = domains.get(node.domain);
  const rule = table && Object.hasOwn(table, node.op) ? table[node.op] : undefined;
  if (rule) return rule;
  throw new UnsupportedModelError(
    `Operator ${node.op} of domain "${node.domain || 'ai.onnx'}" is not supported`,
    {
      node: node.name,
      op: node.domain === '' ? node.op : `${node.domain}::${node.op}`,
      shapes: inputs.map((type) => type?.shape),
    },
    'Export the model with standard operators',
  );
}

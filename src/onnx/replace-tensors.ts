import { sizeOf, widthOf } from './data-types.ts';
import { ModelError } from './errors.ts';
import type { Model, Node, Tensor } from './model.ts';

/**
 * The model with new elements in some initialisers and Constant nodes.
 *
 * @param replacements little-endian bytes of the same type and shape, by initialiser name, or by the output of a
 *   Constant node
 * @param file named in errors
 * @throws ModelError for a name that is no weight, and for data of another length
 */
export function replaceTensors(
  model: Model,
  replacements: ReadonlyMap<string, Uint8Array>,
  file: string,
): Model {
  const initializers = new Map(model.graph.initializers);
  const left = new Map(replacements);
  const replaced = (name: string, tensor: Tensor): Tensor | undefined => {
    const bytes = left.get(name);
    if (!bytes) return undefined;
    left.delete(name);
    const expected = sizeOf(tensor.shape) * widthOf(tensor.dtype);
    if (bytes.length === expected && tensor.dtype !== 'string')
      return { ...tensor, data: { kind: 'bytes', bytes } };
    throw new ModelError(`${bytes.length} bytes are given for a weight of ${expected}`, {
      file,
      value: name,
    });
  };
  for (const [name, tensor] of initializers) {
    const other = replaced(name, tensor);
    if (other) initializers.set(name, other);
  }
  const nodes = model.graph.nodes.map((node): Node => {
    const value = node.attributes['value'];
    if (node.op !== 'Constant' || node.domain !== '' || value?.type !== 'tensor') return node;
    const other = replaced(node.outputs[0] ?? '', value.value);
    return other
      ? { ...node, attributes: { ...node.attributes, value: { type: 'tensor', value: other } } }
      : node;
  });
  const [unknown] = left.keys();
  if (unknown !== undefined) {
    throw new ModelError(
      'The model has no such weight',
      { file, value: unknown },
      'Take weights that were trained on this very file',
    );
  }
  return { ...model, graph: { ...model.graph, initializers, nodes } };
}

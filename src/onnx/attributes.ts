import type { Attribute, Node } from './model.ts';

/** The attribute of a name when it has the type asked for; undefined when absent or of another type. */
export function attributeOf<T extends Attribute['type']>(
  node: Node,
  name: string,
  type: T,
): Extract<Attribute, { type: T }> | undefined {
  const found = Object.hasOwn(node.attributes, name) ? node.attributes[name] : undefined;
  return found?.type === type ? (found as Extract<Attribute, { type: T }>) : undefined;
}

export const intAttribute = (node: Node, name: string, otherwise: number): number =>
  attributeOf(node, name, 'int')?.value ?? otherwise;

export const floatAttribute = (node: Node, name: string, otherwise: number): number =>
  attributeOf(node, name, 'float')?.value ?? otherwise;

export const stringAttribute = (node: Node, name: string, otherwise: string): string =>
  attributeOf(node, name, 'string')?.value ?? otherwise;

/** A list of integers, or undefined when the attribute is absent. */
export const intsAttribute = (node: Node, name: string): readonly number[] | undefined =>
  attributeOf(node, name, 'ints')?.value;

import { intAttribute } from '../attributes.ts';
import type { GraphBuilder } from '../builder.ts';
import { UnsupportedModelError } from '../errors.ts';
import type { Node, Tensor } from '../model.ts';
import { tensorOf, valuesOf } from '../tensors.ts';

/** Tensors in a sequence. */
const longest = 4096;

const operators = new Set([
  'ConcatFromSequence',
  'SequenceAt',
  'SequenceConstruct',
  'SequenceEmpty',
  'SequenceErase',
  'SequenceInsert',
  'SequenceLength',
  'SplitToSequence',
]);

/**
 * Sequences of tensors, which exporters use for the parts of a split, as lists of value names: with static sizes every
 * one of them is known before the graph runs, and only operators on tensors remain.
 */
export class Sequences {
  readonly #elements = new Map<string, readonly string[]>();
  readonly #b: GraphBuilder;
  readonly #constant: (name: string) => Tensor | undefined;

  constructor(b: GraphBuilder, constant: (name: string) => Tensor | undefined) {
    this.#b = b;
    this.#constant = constant;
  }

  /** Whether a node makes or takes a sequence. */
  concerns(node: Node): boolean {
    return node.domain === '' && (operators.has(node.op) || this.#elements.has(node.inputs[0] ?? ''));
  }

  /** Takes note of the sequence that a node makes; returns the nodes on tensors that the node comes down to. */
  lower(node: Node): Node[] {
    const [first = '', second = '', third = ''] = node.inputs;
    const output = node.outputs[0]!;
    switch (node.op) {
      case 'Identity':
        return this.#define(output, this.#of(first, node), node);
      case 'SequenceEmpty':
        return this.#define(output, [], node);
      case 'SequenceConstruct':
        return this.#define(output, node.inputs, node);
      case 'SequenceInsert': {
        const list = this.#of(first, node);
        return this.#define(
          output,
          list.toSpliced(this.#position(third, list.length, list.length, node), 0, second),
          node,
        );
      }
      case 'SequenceErase': {
        const list = this.#of(first, node);
        return this.#define(
          output,
          list.toSpliced(this.#position(second, list.length - 1, list.length, node), 1),
          node,
        );
      }
      case 'SequenceLength':
        return [constant(output, tensorOf('int64', [], [this.#of(first, node).length]))];
      case 'SequenceAt': {
        const list = this.#of(first, node);
        const element = list[this.#position(second, 0, list.length, node)];
        return element === undefined
          ? refuse('The sequence is too short', node)
          : [make('Identity', [element], [output])];
      }
      case 'SplitToSequence':
        return this.#split(node, first, second);
      case 'ConcatFromSequence':
        return this.#concat(node, this.#of(first, node));
      default:
        return refuse('The operator takes a sequence', node);
    }
  }

  #define(name: string, elements: readonly string[], node: Node): Node[] {
    if (elements.length > longest) refuse(`A sequence of ${elements.length} tensors is too long`, node);
    this.#elements.set(name, elements);
    return [];
  }

  #of(name: string, node: Node): readonly string[] {
    return this.#elements.get(name) ?? refuse('The input is not a sequence', node);
  }

  #position(name: string, otherwise: number, length: number, node: Node): number {
    if (name === '') return otherwise;
    const tensor = this.#constant(name);
    const at = tensor ? valuesOf(tensor)[0]! : refuse('The position is not constant', node);
    return at < 0 ? at + length : at;
  }

  #split(node: Node, input: string, given: string): Node[] {
    const { shape } = this.#b.type(input);
    const axis = intAttribute(node, 'axis', 0);
    const size = shape.at(axis) ?? refuse('The axis is out of range', node);
    const sizes = this.#sizes(node, given, size);
    const parts = sizes.map(() => this.#b.fresh('part'));
    const split = make('Split', [input, this.#b.ints(sizes)], parts, { axis: { type: 'int', value: axis } });
    const squeezes = given === '' && intAttribute(node, 'keepdims', 1) === 0;
    if (!squeezes) {
      this.#define(node.outputs[0]!, parts, node);
      return [split];
    }
    const flat = parts.map((part) => make('Squeeze', [part, this.#b.ints([axis])], [this.#b.fresh('part')]));
    this.#define(
      node.outputs[0]!,
      flat.map(({ outputs }) => outputs[0]!),
      node,
    );
    return [split, ...flat];
  }

  /** One for each element, a common size with a smaller last part, or sizes outright. */
  #sizes(node: Node, given: string, size: number): number[] {
    const many = (count: number) => (count > longest ? refuse(`${count} parts are too many`, node) : count);
    if (given === '') return new Array<number>(many(size)).fill(1);
    const tensor = this.#constant(given) ?? refuse('The sizes of the parts are not constant', node);
    if (tensor.shape.length > 0) return valuesOf(tensor);
    const part = valuesOf(tensor)[0]!;
    if (part <= 0) return refuse('The size of the parts is not positive', node);
    return Array.from({ length: many(Math.ceil(size / part)) }, (_, i) => Math.min(part, size - i * part));
  }

  #concat(node: Node, elements: readonly string[]): Node[] {
    const axis = intAttribute(node, 'axis', 0);
    const joins = (inputs: string[]) =>
      make('Concat', inputs, node.outputs, { axis: { type: 'int', value: axis } });
    if (intAttribute(node, 'new_axis', 0) === 0) return [joins([...elements])];
    const raised = elements.map((name) =>
      make('Unsqueeze', [name, this.#b.ints([axis])], [this.#b.fresh('part')]),
    );
    return [...raised, joins(raised.map(({ outputs }) => outputs[0]!))];
  }
}

const make = (
  op: string,
  inputs: string[],
  outputs: string[],
  attributes: Node['attributes'] = {},
): Node => ({
  name: outputs[0]!,
  op,
  domain: '',
  inputs,
  outputs,
  attributes,
});

const constant = (output: string, value: Tensor): Node =>
  make('Constant', [], [output], { value: { type: 'tensor', value } });

function refuse(problem: string, node: Node): never {
  throw new UnsupportedModelError(
    `${problem}, so the sequence is not known before the graph runs`,
    { node: node.name, op: node.op },
    'Export the model without sequences of tensors',
  );
}

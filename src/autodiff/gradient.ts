import { GraphBuilder } from '../onnx/builder.ts';
import { isFloat, sizeOf } from '../onnx/data-types.ts';
import { GradientError } from '../onnx/errors.ts';
import type { Attribute, Node, TypedGraph } from '../onnx/model.ts';
import { removeDeadValues } from '../onnx/passes/dead-code.ts';
import { intsOf } from '../onnx/tensors.ts';
import type { Rule, RuleContext, RuleTable } from './rule.ts';
import { rules as standardRules } from './rules/index.ts';

export interface GradientRequest {
  /** Name of the value to differentiate: a scalar (one element) unless `seed` is given. */
  loss: string;
  /** Names of inputs and initialisers, all floating point, whose gradients are wanted. */
  targets: readonly string[];
  /** Name of a graph input to add, of the loss's type, holding the incoming gradient; default: the constant one. */
  seed?: string;
  /** Derivative rules; default: every rule this build has. */
  rules?: RuleTable;
}

export interface GradientResult {
  /** The graph with the backward nodes appended; its declared outputs are those of the graph that was given. */
  graph: TypedGraph;
  /** For each target the name of the value that holds its gradient, of the target's shape and dtype. */
  gradients: Map<string, string>;
}

/**
 * Reverse-mode differentiation from ONNX to ONNX: one walk over the nodes in reverse order, each handed to its rule
 * with the summed gradients of its outputs. Only nodes on a path from a target to the loss are visited.
 *
 * Throws {@link GradientError} for an operator without a rule, a loss that is not a scalar, or a target that the
 * loss does not depend on: never a wrong or a zero gradient.
 */
export function gradient(source: TypedGraph, request: GradientRequest): GradientResult {
  const table = request.rules ?? standardRules;
  const graph = copyOf(source);
  const b = new GraphBuilder(graph, 'grad/');
  const { loss, targets } = request;
  checkLoss(b, request);
  for (const target of targets) checkTarget(source, target);

  const depends = valuesDependingOn(source, targets);
  const contributions = new Map<string, string[]>();
  const towardsLoss = new Map<string, string>();
  contributions.set(loss, [seedOf(b, request)]);

  /** Sums what has arrived for a value; from then on the sum stands for it. */
  const gather = (value: string): string | undefined => {
    const parts = contributions.get(value);
    if (!parts) return undefined;
    while (parts.length > 1) parts.push(b.op('Add', [parts.shift()!, parts.shift()!]));
    return parts[0];
  };

  for (let i = source.nodes.length - 1; i >= 0; i--) {
    const node = source.nodes[i]!;
    if (!node.outputs.some((o) => contributions.has(o) && depends.has(o))) continue;
    b.scope = `grad/${node.name || node.op}/`;
    const grads = node.outputs.map((o) => (depends.has(o) ? gather(o) : undefined));
    const wanted = node.inputs.map((name) => depends.has(name));
    if (!wanted.some(Boolean)) continue;
    const path = () => pathFrom(node.outputs.find((o) => contributions.has(o))!, towardsLoss);
    const results = ruleFor(node, b, table, path)(contextOf(node, b, grads, wanted, path));
    for (const [k, name] of node.inputs.entries()) {
      const part = results[k];
      if (!wanted[k] || part === undefined) continue;
      checkPart(b, node, name, part);
      const parts = contributions.get(name);
      if (parts) parts.push(part);
      else contributions.set(name, [part]);
      if (!towardsLoss.has(name)) towardsLoss.set(name, node.outputs[0]!);
    }
  }

  b.scope = 'grad/';
  const gradients = new Map<string, string>();
  for (const target of targets) {
    const name = gather(target);
    if (name === undefined) {
      throw new GradientError(
        `The loss "${loss}" does not depend on target "${target}"`,
        { value: target },
        'Leave this target out, or choose a loss that uses it',
      );
    }
    gradients.set(target, name);
  }
  // Rules that read past a node of another rule may leave it without a reader.
  const keep = [...source.types.keys(), ...gradients.values()];
  return { graph: removeDeadValues(graph, keep), gradients };
}

/**
 * Inputs of operators that take floating-point settings rather than activations. The derivative with respect to an
 * exponent or a bound exists in places, but nobody who asks for "all" gradients means it.
 */
const settings: Readonly<Record<string, readonly number[]>> = {
  Pow: [1],
  Clip: [1, 2],
  Pad: [2],
  Resize: [1, 2],
  Dropout: [1],
  Range: [0, 1, 2],
  CumSum: [1],
  OneHot: [1, 2],
  NegativeLogLikelihoodLoss: [2],
  SoftmaxCrossEntropyLoss: [2],
};

/** Every floating-point input and initialiser from which a differentiable path leads to `loss`, in graph order. */
export function differentiableInputs(graph: TypedGraph, loss: string): string[] {
  const needed = new Set([loss]);
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (!node.outputs.some((output) => needed.has(output))) continue;
    const skipped = node.domain === '' ? settings[node.op] : undefined;
    for (const [k, name] of node.inputs.entries()) {
      if (isFloatValue(graph, name) && !skipped?.includes(k)) needed.add(name);
    }
  }
  const names = [...graph.inputs.map((input) => input.name), ...graph.initializers.keys()];
  return names.filter((name) => needed.has(name));
}

function copyOf(graph: TypedGraph): TypedGraph {
  return {
    ...graph,
    nodes: [...graph.nodes],
    inputs: [...graph.inputs],
    outputs: [...graph.outputs],
    initializers: new Map(graph.initializers),
    types: new Map(graph.types),
  };
}

function isFloatValue(graph: TypedGraph, name: string): boolean {
  const type = graph.types.get(name);
  return type !== undefined && isFloat(type.dtype);
}

function checkLoss(b: GraphBuilder, { loss, seed }: GradientRequest): void {
  const type = b.graph.types.get(loss);
  if (!type)
    throw new GradientError(`The graph has no value "${loss}"`, { value: loss }, 'Name one of its outputs');
  if (!isFloat(type.dtype)) {
    throw new GradientError(`The loss "${loss}" is ${type.dtype}, not floating point`, { value: loss });
  }
  if (seed === undefined && sizeOf(type.shape) !== 1) {
    throw new GradientError(
      `The loss "${loss}" has ${sizeOf(type.shape)} elements, not one`,
      { value: loss, shapes: [type.shape] },
      'Choose a scalar loss, or give the incoming gradient as an input (--seed-gradient)',
    );
  }
}

function checkTarget(graph: TypedGraph, target: string): void {
  const known = graph.initializers.has(target) || graph.inputs.some((input) => input.name === target);
  if (!known) {
    throw new GradientError(
      `"${target}" is neither an input nor an initialiser`,
      { value: target },
      'Name an input or initialiser of the graph',
    );
  }
  if (!isFloatValue(graph, target)) {
    throw new GradientError(
      `Target "${target}" is ${graph.types.get(target)?.dtype}, which has no gradient`,
      { value: target },
      'Name a floating-point input or initialiser',
    );
  }
}

/** Every floating-point value computed from a target; gradients flow along these alone. */
function valuesDependingOn(graph: TypedGraph, targets: readonly string[]): Set<string> {
  const depends = new Set(targets);
  for (const node of graph.nodes) {
    if (!node.inputs.some((name) => depends.has(name))) continue;
    for (const output of node.outputs) if (isFloatValue(graph, output)) depends.add(output);
  }
  return depends;
}

function seedOf(b: GraphBuilder, { loss, seed }: GradientRequest): string {
  const { dtype, shape } = b.type(loss);
  if (seed !== undefined) {
    b.graph.inputs.push({ name: seed, dtype, shape: [...shape] });
    b.graph.types.set(seed, { dtype, shape });
    return seed;
  }
  const one = b.scalar(1, dtype);
  return shape.length === 0 ? one : b.op('Reshape', [one, b.ints(shape)]);
}

const keyOf = (node: Node): string => (node.domain === '' ? node.op : `${node.domain}::${node.op}`);

function ruleFor(node: Node, b: GraphBuilder, table: RuleTable, path: () => string[]): Rule {
  const key = keyOf(node);
  const rule = Object.hasOwn(table, key) ? table[key] : undefined;
  if (rule) return rule;
  throw new GradientError(
    `Operator ${key} has no derivative rule`,
    { ...placeOf(node, b), path: path() },
    'docs/operators.md lists those that have one: export the model with standard operators, or choose targets beyond this node',
  );
}

function placeOf(node: Node, b: GraphBuilder) {
  return {
    node: node.name,
    op: keyOf(node),
    shapes: node.inputs.map((name) => b.graph.types.get(name)?.shape),
  };
}

function pathFrom(value: string, towardsLoss: ReadonlyMap<string, string>): string[] {
  const path = [value];
  for (let next = towardsLoss.get(value); next !== undefined; next = towardsLoss.get(next)) path.push(next);
  return path.reverse();
}

/** A rule that returns another shape or type than its input's would give wrong numbers further down: stop here. */
function checkPart(b: GraphBuilder, node: Node, input: string, part: string): void {
  const want = b.type(input);
  const got = b.type(part);
  if (want.dtype === got.dtype && want.shape.join() === got.shape.join()) return;
  throw new GradientError(
    `The rule of ${keyOf(node)} gave ${got.dtype}[${got.shape.join(', ')}] for an input of ${want.dtype}[${want.shape.join(', ')}]`,
    placeOf(node, b),
    'This is a defect of the rule: please report the model',
  );
}

function contextOf(
  node: Node,
  b: GraphBuilder,
  grads: readonly (string | undefined)[],
  wanted: readonly boolean[],
  path: () => string[],
): RuleContext {
  const refuse = (problem: string, fix: string): never => {
    throw new GradientError(problem, { ...placeOf(node, b), path: path() }, fix);
  };
  const attribute = <T extends Attribute['type']>(name: string, type: T) => {
    const found = node.attributes[name];
    return found?.type === type ? (found as Extract<Attribute, { type: T }>) : undefined;
  };
  return {
    node,
    b,
    inputs: node.inputs,
    outputs: node.outputs,
    grads,
    get grad() {
      return grads[0] ?? refuse('The gradient reaches an output other than the first', 'Report the model');
    },
    wants: (i) => wanted[i] ?? false,
    shape: (i) => b.shape(node.inputs[i] ?? ''),
    constant: (i) => b.constant(node.inputs[i] ?? ''),
    ints: (i) => {
      const tensor = b.constant(node.inputs[i] ?? '');
      return tensor
        ? intsOf(tensor)
        : refuse(
            `Input ${i} of ${node.op} must be constant`,
            'Fix the input sizes so that it folds to a constant',
          );
    },
    int: (name, otherwise) => attribute(name, 'int')?.value ?? otherwise,
    intList: (name) => attribute(name, 'ints')?.value,
    float: (name, otherwise) => attribute(name, 'float')?.value ?? otherwise,
    string: (name, otherwise) => attribute(name, 'string')?.value ?? otherwise,
    refuse,
  };
}

import { attributeOf, floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../attributes.ts';
import type { GraphBuilder } from '../builder.ts';
import { sizeOf } from '../data-types.ts';
import { UnsupportedModelError } from '../errors.ts';
import { InferContext } from '../infer/context.ts';
import { axisOf } from '../infer/shapes.ts';
import type { Attribute, Node } from '../model.ts';
import { tensorOf, valuesOf } from '../tensors.ts';

/** The version of the standard operator set whose forms {@link modernise} writes. */
export const modernOpset = 21;

/**
 * Writes a node of opset 9 or later in the forms of opset 21: attributes that became inputs are constants, operators
 * that were renamed have their new names, and old semantics are spelled out with today's operators. Constants go into
 * the builder's graph, which must know the types of the node's inputs; the nodes are returned, not appended.
 *
 * Source: the operator changelog, https://onnx.ai/onnx/repo-docs/Changelog.html.
 *
 * @throws UnsupportedModelError for the few old forms that have no equivalent.
 */
export function modernise(node: Node, opset: number, b: GraphBuilder): Node[] {
  if (node.domain !== '') return [node];
  const rule = Object.hasOwn(rules, node.op) ? rules[node.op] : undefined;
  if (!rule || opset >= rule.until) return [node];
  return rule.rewrite(node, opset, b);
}

type Rewrite = (node: Node, opset: number, b: GraphBuilder) => Node[];

const without = (node: Node, ...names: string[]): Record<string, Attribute> =>
  Object.fromEntries(Object.entries(node.attributes).filter(([name]) => !names.includes(name)));

/** A node with input `i` set, earlier missing ones omitted, and the attributes it came from gone. */
function withInputs(
  node: Node,
  inputs: Readonly<Record<number, string | undefined>>,
  ...gone: string[]
): Node {
  const all = [...node.inputs];
  for (const [i, name] of Object.entries(inputs)) {
    if (name === undefined) continue;
    while (all.length < Number(i)) all.push('');
    all[Number(i)] = name;
  }
  return { ...node, inputs: all, attributes: without(node, ...gone) };
}

/** A list of integers that moved from an attribute to input 1. */
const listToInput =
  (name: string): Rewrite =>
  (node, _, b) => {
    const values = intsAttribute(node, name);
    return [values ? withInputs(node, { 1: b.ints(values) }, name) : node];
  };

const clip: Rewrite = (node, _, b) => {
  const { dtype } = b.type(node.inputs[0]!);
  const bound = (name: string) => {
    const value = attributeOf(node, name, 'float')?.value;
    return value === undefined ? undefined : b.scalar(value, dtype);
  };
  return [withInputs(node, { 1: bound('min'), 2: bound('max') }, 'min', 'max')];
};

const pad: Rewrite = (node, _, b) => {
  const pads = intsAttribute(node, 'pads');
  const fill = b.scalar(floatAttribute(node, 'value', 0), b.dtype(node.inputs[0]!));
  return [withInputs(node, { 1: pads && b.ints(pads), 2: fill }, 'pads', 'value')];
};

const slice: Rewrite = (node, _, b) => {
  const list = (name: string) => {
    const values = intsAttribute(node, name);
    return values && b.ints(values);
  };
  return [
    withInputs(node, { 1: list('starts'), 2: list('ends'), 3: list('axes') }, 'starts', 'ends', 'axes'),
  ];
};

const topK: Rewrite = (node, opset, b) => {
  if (opset >= 10) return [node];
  return [withInputs(node, { 1: b.ints([intAttribute(node, 'k', 0)]) }, 'k')];
};

/** Without a training switch a Dropout of a model for inference only passes on. */
const dropout: Rewrite = (node) => [
  { ...node, inputs: node.inputs.slice(0, 1), attributes: without(node, 'ratio') },
];

/** Before opset 14 the extra outputs asked for training; for inference a single output is wanted. */
const batchNormalization: Rewrite = (node) => {
  if (node.outputs.slice(1).some((name) => name !== '')) {
    throw new UnsupportedModelError(
      'A BatchNormalization in training mode has no equivalent',
      { node: node.name, op: node.op },
      'Export the model in evaluation mode',
    );
  }
  return [{ ...node, outputs: node.outputs.slice(0, 1), attributes: without(node, 'spatial') }];
};

/** Before opset 13 the axes from `axis` on were one axis. */
const softmax: Rewrite = (node, opset, b) => {
  const shape = b.shape(node.inputs[0]!);
  const axis = axisOf(
    new InferContext(node, opset, [b.type(node.inputs[0]!)], () => undefined),
    intAttribute(node, 'axis', 1),
    Math.max(shape.length, 1),
  );
  const modern: Node = { ...node, attributes: { axis: { type: 'int', value: -1 } } };
  if (axis === shape.length - 1 || shape.length === 0) return [modern];
  const [flat, result] = [b.fresh('flat'), b.fresh('softmax')];
  const matrix = [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))];
  return [
    plain('Reshape', [node.inputs[0]!, b.ints(matrix)], flat),
    { ...modern, name: result, inputs: [flat], outputs: [result] },
    { ...plain('Reshape', [result, b.ints(shape)], node.outputs[0]!), name: node.name },
  ];
};

const plain = (
  op: string,
  inputs: string[],
  output: string,
  attributes: Record<string, Attribute> = {},
): Node => ({
  name: output,
  op,
  domain: '',
  inputs,
  outputs: [output],
  attributes,
});

/**
 * Upsample, and Resize before opset 11, place samples at `index / scale`; nearest rounds down where it enlarges and
 * up where it shrinks (onnxruntime's "simple" mode).
 */
const upsample: Rewrite = (node, opset, b) => {
  const [input, given = ''] = node.inputs;
  const attribute = attributeOf(node, 'scales', 'floats')?.value;
  const constant = b.constant(given);
  const scales = attribute ?? (constant && valuesOf(constant));
  if (!scales) {
    const at = { node: node.name, op: node.op };
    throw new UnsupportedModelError(
      'The scales are not constant',
      at,
      'Fix the input sizes so that they fold',
    );
  }
  const [grows, shrinks] = [scales.some((s) => s > 1), scales.some((s) => s < 1)];
  const mode = stringAttribute(node, 'mode', 'nearest');
  if (grows && shrinks && mode === 'nearest') {
    const at = { node: node.name, op: node.op };
    throw new UnsupportedModelError(
      `Opset ${opset} resizing both up and down has no equivalent`,
      at,
      'Export with opset 11 or later',
    );
  }
  const text = (value: string): Attribute => ({ type: 'string', value });
  const attributes: Record<string, Attribute> = {
    mode: text(mode === 'bilinear' ? 'linear' : mode),
    coordinate_transformation_mode: text('asymmetric'),
    nearest_mode: text(shrinks ? 'ceil' : 'floor'),
  };
  const name = attribute ? b.shared(tensorOf('float32', [scales.length], scales)) : given;
  return [{ ...node, op: 'Resize', inputs: [input!, '', name], attributes }];
};

/** Empty lists stood for "not given" before inputs could be left out. */
const resize: Rewrite = (node, opset, b) => {
  if (opset < 11) return upsample(node, opset, b);
  const inputs = node.inputs.map((name, i) =>
    i > 0 && name !== '' && sizeOf(b.shape(name)) === 0 ? '' : name,
  );
  while (inputs.at(-1) === '') inputs.pop();
  return [{ ...node, inputs }];
};

/** Scale and bias were one number a group; they are repeated over the group's channels. */
const groupNormalization: Rewrite = (node, _, b) => {
  const [input, ...affine] = node.inputs;
  const channels = b.shape(input!)[1] ?? 0;
  const groups = intAttribute(node, 'num_groups', 1);
  const spread = affine.map((name) => {
    const [column, table, row] = [b.fresh('column'), b.fresh('table'), b.fresh('row')];
    const nodes = [
      plain('Reshape', [name, b.ints([groups, 1])], column),
      plain('Expand', [column, b.ints([groups, channels / groups])], table),
      plain('Reshape', [table, b.ints([channels])], row),
    ];
    return { row, nodes };
  });
  return [
    ...spread.flatMap(({ nodes }) => nodes),
    { ...node, inputs: [input!, ...spread.map(({ row }) => row)] },
  ];
};

const gridModes: Readonly<Record<string, string>> = { bilinear: 'linear', bicubic: 'cubic' };

const gridSample: Rewrite = (node) => {
  const mode = stringAttribute(node, 'mode', 'bilinear');
  return [
    { ...node, attributes: { ...node.attributes, mode: { type: 'string', value: gridModes[mode] ?? mode } } },
  ];
};

/** The coordinates' default changed. */
const roiAlign: Rewrite = (node) => {
  const mode: Attribute = { type: 'string', value: 'output_half_pixel' };
  return [{ ...node, attributes: { coordinate_transformation_mode: mode, ...node.attributes } }];
};

/** Equal parts were implied; today their number or their sizes are named. */
const split: Rewrite = (node, opset, b) => {
  const given = opset < 13 ? intsAttribute(node, 'split') : undefined;
  if (node.inputs[1] || intAttribute(node, 'num_outputs', 0) > 0) return [node];
  if (given) return [withInputs(node, { 1: b.ints(given) }, 'split')];
  const shape = b.shape(node.inputs[0]!);
  const axis = intAttribute(node, 'axis', 0);
  const size = shape[axis < 0 ? axis + shape.length : axis] ?? 0;
  const count = node.outputs.length;
  if (size % count !== 0) return [node];
  return [withInputs(node, { 1: b.ints(node.outputs.map(() => size / count)) })];
};

const axesToInput = listToInput('axes');

/** Rewrites by operator, and the first opset whose form is today's. */
const rules: Readonly<Record<string, { readonly until: number; readonly rewrite: Rewrite }>> = {
  BatchNormalization: { until: 14, rewrite: batchNormalization },
  Clip: { until: 11, rewrite: clip },
  Dropout: { until: 12, rewrite: dropout },
  GridSample: { until: 20, rewrite: gridSample },
  GroupNormalization: { until: 21, rewrite: groupNormalization },
  Hardmax: { until: 13, rewrite: softmax },
  LogSoftmax: { until: 13, rewrite: softmax },
  Pad: { until: 11, rewrite: pad },
  ReduceL1: { until: 18, rewrite: axesToInput },
  ReduceL2: { until: 18, rewrite: axesToInput },
  ReduceLogSum: { until: 18, rewrite: axesToInput },
  ReduceLogSumExp: { until: 18, rewrite: axesToInput },
  ReduceMax: { until: 18, rewrite: axesToInput },
  ReduceMean: { until: 18, rewrite: axesToInput },
  ReduceMin: { until: 18, rewrite: axesToInput },
  ReduceProd: { until: 18, rewrite: axesToInput },
  ReduceSum: { until: 13, rewrite: axesToInput },
  ReduceSumSquare: { until: 18, rewrite: axesToInput },
  Resize: { until: Number.POSITIVE_INFINITY, rewrite: resize },
  RoiAlign: { until: 16, rewrite: roiAlign },
  Scatter: { until: Number.POSITIVE_INFINITY, rewrite: (node) => [{ ...node, op: 'ScatterElements' }] },
  Slice: { until: 10, rewrite: slice },
  Softmax: { until: 13, rewrite: softmax },
  Split: { until: 18, rewrite: split },
  Squeeze: { until: 13, rewrite: axesToInput },
  TopK: { until: 10, rewrite: topK },
  Unsqueeze: { until: 13, rewrite: axesToInput },
  Upsample: { until: Number.POSITIVE_INFINITY, rewrite: upsample },
};

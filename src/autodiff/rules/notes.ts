/** What docs/operators.md says of a rule. */
export interface RuleNote {
  /** Names of the differentiable inputs, as the ONNX specification has them. */
  readonly inputs: string;
  /** Limits, and choices where a derivative is not unique. */
  readonly note?: string;
}

const x: RuleNote = { inputs: 'X' };
const both: RuleNote = { inputs: 'A, B' };
const data: RuleNote = { inputs: 'data' };

const tiesShared = 'tied inputs share the gradient equally, as in PyTorch';
const firstOfTies = 'the first of tied elements takes the gradient, as in PyTorch';

/** One entry for every operator that has a derivative. */
export const ruleNotes: Readonly<Record<string, RuleNote>> = {
  Add: both,
  Sub: both,
  Mul: both,
  Div: both,
  Neg: x,
  Abs: { inputs: 'X', note: 'zero at zero' },
  Pow: {
    inputs: 'X, Y',
    note: 'zero for X where Y = 0, and for Y where X = 0 and Y >= 0; an int64 exponent must be constant',
  },
  Mod: { inputs: 'A, B', note: 'fmod; jumps have no gradient' },
  Sum: { inputs: 'data_0, ...' },
  Mean: { inputs: 'data_0, ...' },
  Sqrt: x,
  Reciprocal: x,
  Exp: x,
  Log: x,
  Sin: x,
  Cos: x,
  Tan: x,
  Asin: x,
  Acos: x,
  Atan: x,
  Sinh: x,
  Cosh: x,
  Asinh: x,
  Acosh: x,
  Atanh: x,
  Erf: x,
  Max: { inputs: 'data_0, ...', note: tiesShared },
  Min: { inputs: 'data_0, ...', note: tiesShared },
  Clip: { inputs: 'input, min, max', note: 'one at the bounds; all to max where the bounds are crossed' },
  Where: { inputs: 'X, Y' },
  Identity: x,
  Cast: { inputs: 'input', note: 'between floating-point types' },
  CastLike: { inputs: 'input', note: 'between floating-point types' },
  Dropout: { inputs: 'data', note: 'inference only; training mode is refused' },

  Sigmoid: x,
  Tanh: x,
  Relu: { inputs: 'X', note: 'zero at zero' },
  LeakyRelu: { inputs: 'X', note: 'alpha at zero' },
  ThresholdedRelu: { inputs: 'X', note: 'zero at alpha' },
  PRelu: { inputs: 'X, slope', note: 'the slope at zero' },
  Elu: x,
  Selu: x,
  Celu: x,
  HardSigmoid: { inputs: 'X', note: 'zero at the bounds' },
  HardSwish: { inputs: 'X', note: 'zero at -3, one at 3' },
  Shrink: { inputs: 'X', note: 'zero at -lambd and lambd' },
  Softplus: x,
  Softsign: x,
  Gelu: { inputs: 'X', note: 'exact and tanh' },
  Swish: x,
  Mish: x,

  Reshape: data,
  Flatten: { inputs: 'input' },
  Squeeze: data,
  Unsqueeze: data,
  Transpose: data,
  Expand: { inputs: 'input' },
  Concat: { inputs: 'inputs' },
  Split: { inputs: 'input', note: 'outputs that the loss does not use count as zero' },
  Slice: { inputs: 'data', note: 'constant ranges, steps of either sign' },
  Pad: {
    inputs: 'data, constant_value',
    note: 'constant, also negative, pads; reflect, edge and wrap copy each element once',
  },
  Tile: { inputs: 'input', note: 'constant repeats' },
  DepthToSpace: { inputs: 'input', note: 'DCR and CRD' },
  SpaceToDepth: { inputs: 'input' },
  Trilu: { inputs: 'input' },

  ReduceSum: data,
  ReduceMean: data,
  ReduceMax: { inputs: 'data', note: tiesShared },
  ReduceMin: { inputs: 'data', note: tiesShared },
  ReduceProd: { inputs: 'data', note: 'exact where elements are zero' },
  ReduceL1: { inputs: 'data', note: 'zero at zero' },
  ReduceL2: { inputs: 'data', note: 'zero where all elements are' },
  ReduceLogSum: data,
  ReduceLogSumExp: data,
  ReduceSumSquare: data,
  CumSum: { inputs: 'x' },

  Gather: { inputs: 'data', note: 'constant indices without scattering; repeated ones are added up' },
  GatherElements: data,
  GatherND: { inputs: 'data', note: 'with batch_dims, indices known only at run time have one coordinate' },
  ScatterElements: { inputs: 'data, updates', note: 'reduction none and add' },
  ScatterND: { inputs: 'data, updates', note: 'reduction none and add' },
  TopK: { inputs: 'X', note: 'through the values' },

  MatMul: both,
  Gemm: { inputs: 'A, B, C' },
  Einsum: { inputs: 'Inputs', note: 'no repeated letter in one operand' },
  Conv: { inputs: 'X, W, B', note: 'one to three dimensions, groups, strides, dilations, automatic padding' },
  ConvTranspose: {
    inputs: 'X, W, B',
    note: 'one and two dimensions; explicit pads where the padding would be odd',
  },
  Softmax: { inputs: 'input' },
  LogSoftmax: { inputs: 'input' },
  NegativeLogLikelihoodLoss: { inputs: 'input' },
  SoftmaxCrossEntropyLoss: { inputs: 'scores' },
  LayerNormalization: { inputs: 'X, Scale, B' },
  RMSNormalization: { inputs: 'X, scale' },
  GroupNormalization: { inputs: 'X, scale, bias' },
  InstanceNormalization: { inputs: 'input, scale, B' },
  BatchNormalization: { inputs: 'X, scale, B, input_mean, input_var', note: 'inference only' },
  LpNormalization: { inputs: 'input', note: 'p = 1 and 2' },
  AveragePool: x,
  MaxPool: { inputs: 'X', note: firstOfTies },
  GlobalAveragePool: x,
  GlobalMaxPool: { inputs: 'X', note: firstOfTies },
  Resize: { inputs: 'X', note: 'nearest, linear and cubic, also antialiased' },
};

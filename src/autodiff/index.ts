/**
 * ONNX in, training graph out: everything needed to differentiate a model without the app. No browser, no runtime and
 * no file system is touched; `docs/library.md` shows the steps.
 */
export { asModel } from '../onnx/as-model.ts';
export { float, GraphBuilder, type PlainAttributes } from '../onnx/builder.ts';
export { type ReadOptions, readModel } from '../onnx/decode.ts';
export { type EncodedFile, type EncodedModel, type EncodeOptions, encodeModel } from '../onnx/encode.ts';
export {
  GradientError,
  type GraphLocation,
  MalformedModelError,
  ModelError,
  ShapeError,
  UnsupportedModelError,
} from '../onnx/errors.ts';
export { arrangeForRuntime } from '../onnx/execution-order.ts';
export { addInput, addOutput, emptyGraph, graft, nameOutput, rename } from '../onnx/graft.ts';
export { isWeight, liftWeights } from '../onnx/lift-weights.ts';
export type {
  Attribute,
  ByteSource,
  DataType,
  Dimension,
  Graph,
  Model,
  Node,
  Tensor,
  TensorData,
  TensorType,
  TypedGraph,
  ValueInfo,
} from '../onnx/model.ts';
export { collect, type Part, streamParts } from '../onnx/parts.ts';
export { simplify } from '../onnx/passes/simplify.ts';
export { blobSource, bytesSource } from '../onnx/sources.ts';
export { type SpecialiseOptions, specialise } from '../onnx/specialise.ts';
export { tensorOf, valuesOf } from '../onnx/tensors.ts';
export { differentiableInputs, type GradientRequest, type GradientResult, gradient } from './gradient.ts';
export { halfPrecision } from './half-precision.ts';
export { addLora, type LoraFactors, type LoraRequest, mergeLora } from './lora.ts';
export { mixedPrecision } from './mixed-precision.ts';
export { type RecomputeRequest, type RecomputeResult, recompute } from './recompute.ts';
export type { Rule, RuleContext, RuleTable } from './rule.ts';
export { rules } from './rules/index.ts';
export { type SplitAttentionResult, splitAttention } from './split-attention.ts';
export { webgpuObstacle } from './webgpu-operators.ts';

import type { GraphBuilder } from '../onnx/builder.ts';
import { addInput } from '../onnx/graft.ts';
import type { ConditionTokens, RefineConfig } from './config.ts';

/** Sizes that decide how encoder tokens become the teacher's context. */
export interface ConditionShape {
  batch: number;
  /** Encoder tokens, class token included. */
  tokens: number;
  /** Tokens of the teacher's text context. */
  contextTokens: number;
}

/** Rows of the condition: the tokens that reach the teacher from the encoder. */
export function conditionRows(
  config: Pick<RefineConfig, 'condition' | 'partTokens'>,
  tokens: number,
): number {
  switch (config.condition) {
    case 'class':
      return 1;
    case 'class+part':
      return 1 + config.partTokens;
    case 'class+all':
      return tokens;
  }
}

/**
 * Joins encoder tokens and prompt into the context of the teacher (diva.md, "The visual condition"):
 * selection, learned projection `visual_proj`, sum with the prompt's text tokens. Where the condition has as many
 * rows as the text it is added token by token (OpenAI encoders); otherwise the mean text token is added to every
 * row (MetaCLIP, DFN, SigLIP); the class token alone is broadcast over the text tokens.
 *
 * The selection is a matrix [batch, rows, tokens] given as an input: rows of the identity pick tokens, rows of
 * 1/k average them. A product has a gradient without scattering, which GPUs sum in no fixed order.
 *
 * Adds inputs `selection` [batch, rows, tokens], `prompt` [1, contextTokens, contextWidth] and the weights
 * `visual_proj.weight` [tokenWidth, contextWidth], `visual_proj.bias` [contextWidth]; all of the tokens' dtype.
 *
 * @returns the name of the context [batch, rows or contextTokens, contextWidth]
 */
export function buildCondition(
  b: GraphBuilder,
  tokens: string,
  shape: ConditionShape & { rows: number; contextWidth: number },
): string {
  const { dtype, shape: tokenShape } = b.type(tokens);
  const width = tokenShape[2]!;
  const selection = addInput(b, 'selection', dtype, [shape.batch, shape.rows, shape.tokens]);
  const prompt = addInput(b, 'prompt', dtype, [1, shape.contextTokens, shape.contextWidth]);
  const weight = addInput(b, 'visual_proj.weight', dtype, [width, shape.contextWidth]);
  const bias = addInput(b, 'visual_proj.bias', dtype, [shape.contextWidth]);
  b.scope = 'condition/';
  const chosen = b.op('MatMul', [selection, tokens]);
  const projected = b.op('Add', [b.op('MatMul', [chosen, weight]), bias]);
  const perToken = shape.rows === shape.contextTokens || shape.rows === 1;
  const text = perToken ? prompt : b.op('ReduceMean', [prompt, b.ints([1])], { keepdims: 1 });
  return b.op('Add', [projected, text]);
}

/**
 * Fills the selection matrix of one image: [rows, tokens], row-major.
 *
 * @param draw gives the k-th patch drawn with replacement, from 0 to `patches` - 1 (`class+part` only)
 */
export function fillSelection(
  out: Float32Array,
  condition: ConditionTokens,
  rows: number,
  tokens: number,
  draw: (k: number) => number,
): void {
  out.fill(0);
  for (let row = 0; row < rows; row++) {
    const token =
      row === 0 || condition === 'class' ? 0 : condition === 'class+all' ? row : 1 + draw(row - 1);
    out[row * tokens + token] = 1;
  }
}

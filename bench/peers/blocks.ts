import { sizeOf } from '../../src/onnx/data-types.ts';

export type BlockName = 'vit-block' | 'unet-block';
/** Blocks of ViT-L/14 and of Stable Diffusion's UNet at 64x64 latents: too large for a software adapter. */
export type LargeBlockName = 'vit-l-block' | 'unet-320-block';

/** A block to train against a target: float32 weights by name, one input and the output wanted. */
export interface Block {
  name: BlockName | LargeBlockName;
  kind: 'vit' | 'unet';
  /** Shape of the input, of the output and of the target. */
  shape: readonly number[];
  weights: Readonly<Record<string, readonly number[]>>;
  heads: number;
}

/** The update that every contestant makes: decoupled decay of every weight, no clipping. */
export const adamw = { rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.01 } as const;

/** Added to variances by the norms. */
export const epsilon = 1e-5;

/** Groups of the UNet block's norms. */
export const groups = 8;

/**
 * Its true gradient is zero, because a softmax does not see what is added to a whole row: what is computed is rounding,
 * and is not compared.
 */
export const notCompared: readonly string[] = ['key.bias'];

const attention = (width: number) => ({
  'query.weight': [width, width],
  'query.bias': [width],
  'key.weight': [width, width],
  'key.bias': [width],
  'value.weight': [width, width],
  'value.bias': [width],
  'out.weight': [width, width],
  'out.bias': [width],
});

/** Shape [batch, tokens, width]. */
const vit = (
  name: Block['name'],
  [batch, tokens, width]: [number, number, number],
  heads: number,
): Block => ({
  name,
  kind: 'vit',
  shape: [batch, tokens, width],
  heads,
  weights: {
    'norm1.weight': [width],
    'norm1.bias': [width],
    ...attention(width),
    'norm2.weight': [width],
    'norm2.bias': [width],
    'up.weight': [width, 4 * width],
    'up.bias': [4 * width],
    'down.weight': [4 * width, width],
    'down.bias': [width],
  },
});

/** Shape [batch, channels, side, side]. */
const unet = (name: Block['name'], [batch, width, side]: [number, number, number], heads: number): Block => ({
  name,
  kind: 'unet',
  shape: [batch, width, side, side],
  heads,
  weights: {
    'norm1.weight': [width],
    'norm1.bias': [width],
    'conv1.weight': [width, width, 3, 3],
    'conv1.bias': [width],
    'norm2.weight': [width],
    'norm2.bias': [width],
    'conv2.weight': [width, width, 3, 3],
    'conv2.bias': [width],
    'norm3.weight': [width],
    'norm3.bias': [width],
    ...attention(width),
  },
});

export const blocks: Readonly<Record<BlockName, Block>> = {
  'vit-block': vit('vit-block', [8, 65, 128], 4),
  'unet-block': unet('unet-block', [4, 64, 16], 4),
};

export const largeBlocks: Readonly<Record<LargeBlockName, Block>> = {
  'vit-l-block': vit('vit-l-block', [4, 257, 1024], 16),
  'unet-320-block': unet('unet-320-block', [1, 320, 64], 5),
};

export interface BlockValues {
  input: Float32Array<ArrayBuffer>;
  target: Float32Array<ArrayBuffer>;
  weights: Record<string, Float32Array<ArrayBuffer>>;
}

/** The same numbers for every contestant. */
export function valuesOf(block: Block): BlockValues {
  const random = mulberry(12);
  const draw = (shape: readonly number[], scale: number, middle = 0) =>
    Float32Array.from({ length: sizeOf(shape) }, () => middle + scale * (2 * random() - 1));
  const weights: BlockValues['weights'] = {};
  for (const [name, shape] of Object.entries(block.weights)) {
    const fanIn = shape.length === 4 ? sizeOf(shape.slice(1)) : shape[0]!;
    if (shape.length > 1) weights[name] = draw(shape, Math.sqrt(3 / fanIn));
    else weights[name] = draw(shape, 0.1, /^norm.*weight$/.test(name) ? 1 : 0);
  }
  return { input: draw(block.shape, 1.7), target: draw(block.shape, 1.7), weights };
}

/** Uniform numbers of [0, 1), the same everywhere. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

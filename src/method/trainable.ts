import { addLora, type LoraFactors } from '../autodiff/lora.ts';
import { UnsupportedModelError } from '../onnx/errors.ts';
import type { TypedGraph } from '../onnx/model.ts';
import type { TrainableConfig } from './config.ts';
import { blockInputs, blockMatrices, weightsOfLastBlocks } from './encoder-parts.ts';

/** An encoder graph ready to train a share of its weights. */
export interface TrainableEncoder {
  encoder: TypedGraph;
  /** Initialisers of the graph that train; absent: every weight. */
  trainable?: readonly string[];
  /** The matrices that low-rank factors were put beside; empty without LoRA. */
  factors: readonly LoraFactors[];
}

/**
 * Chooses what of an encoder trains.
 *
 * - `all`: every weight.
 * - `last-k`: the weights read in the last `blocks` transformer blocks and after them, and nowhere before.
 * - `lora`: two factors beside every matrix of the blocks, in place of all weights (Hu et al. 2021, arXiv 2106.09685).
 *
 * @param initial elements of the first factor of a matrix, [inputs, rank] row-major
 * Throws {@link UnsupportedModelError} when the graph has fewer blocks than asked, or no matrix of that rank.
 */
export function selectTrainable(
  encoder: TypedGraph,
  config: TrainableConfig,
  initial: (weight: string, inputs: number, rank: number) => Float32Array,
): TrainableEncoder {
  switch (config.kind) {
    case 'all':
      return { encoder, factors: [] };
    case 'last-k': {
      const blocks = blockInputs(encoder).length;
      if (config.blocks <= blocks)
        return { encoder, trainable: weightsOfLastBlocks(encoder, config.blocks), factors: [] };
      throw new UnsupportedModelError(
        `The encoder has ${blocks} transformer blocks: its last ${config.blocks} cannot be trained`,
        {},
        blocks > 0 ? `Train at most ${blocks} blocks, or all weights` : 'Train all weights',
      );
    }
    case 'lora': {
      const { rank, alpha } = config;
      const all = blockMatrices(encoder);
      const weights = all.filter((name) => Math.min(...encoder.types.get(name)!.shape) >= rank);
      if (weights.length === 0) {
        throw new UnsupportedModelError(
          all.length > 0
            ? `No matrix of the encoder has rank ${rank}, which LoRA asks for`
            : 'The encoder has no transformer blocks whose matrices LoRA could adapt',
          {},
          all.length > 0 ? 'Choose a lower rank' : 'Train all weights',
        );
      }
      const adapted = addLora(encoder, {
        weights,
        rank,
        alpha,
        initial: (weight, count) => initial(weight, count / rank, rank),
      });
      const trainable = adapted.factors.flatMap(({ down, up }) => [down, up]);
      return { encoder: adapted.graph, trainable, factors: adapted.factors };
    }
  }
}

import { runtimePeak } from '../onnx/execution-order.ts';
import { isWeight, liftWeights } from '../onnx/lift-weights.ts';
import { bytesOfType } from '../onnx/liveness.ts';
import type { Model } from '../onnx/model.ts';
import { bufferSizeOf } from '../runtime/tensor.ts';
import { visionGraph } from './network.ts';

/**
 * Bytes that the encoder takes beside the training, to embed images: its inner values, and copies of the weights that
 * cannot be shared with the run.
 *
 * @param shared weights that the run holds where it computes, by their names in the encoder's file
 */
export async function besideBytes(
  vision: Model,
  imageSize: number,
  batch: number,
  shared: (name: string) => boolean,
): Promise<number> {
  const graph = await visionGraph(vision, batch, imageSize);
  const copies = [...graph.initializers].filter(([name, tensor]) => isWeight(tensor) && !shared(name));
  liftWeights(graph);
  const held = copies.reduce((sum, [, tensor]) => sum + bufferSizeOf(bytesOfType(tensor)), 0);
  return held + runtimePeak(graph);
}

import { type LoraFactors, mergeLora } from '../autodiff/lora.ts';
import type { RefineConfig } from '../method/config.ts';
import { selectTrainable } from '../method/trainable.ts';
import type { Model, Tensor } from '../onnx/model.ts';
import { valuesOf } from '../onnx/tensors.ts';
import { visionGraph } from './network.ts';

/**
 * The encoder weights that a run changed, as its file names and lays them out: LoRA's factors become the matrices that
 * they stand for, everything else passes as it is. What scoring and export use.
 *
 * @param trained the run's trained weights by name, little-endian float32: those of a checkpoint
 */
export async function mergedWeights(
  vision: Model,
  imageSize: number,
  config: Pick<RefineConfig, 'trainable'>,
  trained: ReadonlyMap<string, Uint8Array>,
): Promise<Map<string, Uint8Array>> {
  const merged = new Map(trained);
  for (const factors of await factorsOf(vision, imageSize, config)) {
    const down = trained.get(factors.down);
    const up = trained.get(factors.up);
    const base = vision.graph.initializers.get(factors.weight);
    if (!down || !up || !base) {
      throw new Error(
        `The factors of "${factors.weight}" are not in this checkpoint: it belongs to another encoder`,
      );
    }
    merged.delete(factors.down);
    merged.delete(factors.up);
    const weight = mergeLora(await elementsOf(base), floats(down), floats(up), factors);
    merged.set(factors.weight, new Uint8Array(weight.buffer));
  }
  return merged;
}

/** The matrices that a configuration adapts; empty without LoRA. */
export async function factorsOf(
  vision: Model,
  imageSize: number,
  { trainable }: Pick<RefineConfig, 'trainable'>,
): Promise<readonly LoraFactors[]> {
  if (trainable?.kind !== 'lora') return [];
  const graph = await visionGraph(vision, 1, imageSize);
  const zeros = (_: string, inputs: number, rank: number) => new Float32Array(inputs * rank);
  return selectTrainable(graph, trainable, zeros).factors;
}

async function elementsOf(tensor: Tensor): Promise<Float32Array> {
  const { data } = tensor;
  if (data.kind !== 'range') return Float32Array.from(valuesOf(tensor));
  const bytes = await data.source.read(data.offset, data.length);
  return Float32Array.from(valuesOf({ ...tensor, data: { kind: 'bytes', bytes } }));
}

const floats = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer);

import { centered, type Normalisation, normalise } from '../data/preprocess.ts';
import type { TeacherFolder } from '../exchange/teacher-folder.ts';
import type { Fidelity } from '../method/config.ts';
import { specialise } from '../onnx/specialise.ts';
import { graphSession } from '../runtime/graph-session.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Session } from '../runtime/session.ts';
import { bytesOf, cpuTensorFrom, isGpuTensor } from '../runtime/tensor.ts';

const imagenetMean = [0.485, 0.456, 0.406] as const;
const imagenetStd = [0.229, 0.224, 0.225] as const;

/**
 * Clean latents of crops: the autoencoder's mean times its scaling factor (diva.md, step 3). Its weights are loaded by
 * the first latent, and again by the first one after a release.
 */
export class LatentEncoder {
  /** [channels, height, width] of one latent. */
  readonly shape: readonly [number, number, number];
  /** Edge of the square image it takes, in pixels. */
  readonly imageSize: number;
  readonly #runtime: Runtime;
  readonly #open: () => Promise<Session>;
  /** Made when it is first needed. */
  #session: Promise<Session> | undefined;
  readonly #input: string;
  readonly #output: string;
  readonly #scale: number;
  readonly #normalisation: Normalisation;

  static async open(
    runtime: Runtime,
    teacher: TeacherFolder,
    options: { fidelity: Fidelity; preprocessing: Normalisation },
  ): Promise<LatentEncoder> {
    const imageSize = teacher.latentSize * teacher.downsampling;
    const input = teacher.vaeEncoder.graph.inputs[0]!.name;
    const graph = await specialise(teacher.vaeEncoder, { shapes: { [input]: [1, 3, imageSize, imageSize] } });
    const output = graph.outputs[0]!.name;
    const shape = graph.types.get(output)!.shape;
    const session = () =>
      graphSession(runtime, graph, { name: 'image autoencoder', hostOutputs: [output], priority: 'ahead' });
    return new LatentEncoder(runtime, session, { input, output, shape, imageSize, teacher, ...options });
  }

  private constructor(
    runtime: Runtime,
    open: () => Promise<Session>,
    made: {
      input: string;
      output: string;
      shape: readonly number[];
      imageSize: number;
      teacher: TeacherFolder;
      fidelity: Fidelity;
      preprocessing: Normalisation;
    },
  ) {
    const { teacher } = made;
    this.#runtime = runtime;
    this.#open = open;
    this.#input = made.input;
    this.#output = made.output;
    this.#scale = teacher.scalingFactor;
    this.imageSize = made.imageSize;
    // Mean and log-variance come stacked along the channels; a mean alone has the latent's own channels.
    this.shape = [teacher.latentChannels, made.shape[2]!, made.shape[3]!];
    this.#normalisation = latentNormalisation(made.fidelity, made.preprocessing);
  }

  /** The latent of one crop, [channels, height, width]. */
  async encode(pixels: Uint8Array): Promise<Float32Array<ArrayBuffer>> {
    const session = await this.#opened();
    const size = this.imageSize;
    const image = normalise({ width: size, height: size, data: pixels }, this.#normalisation);
    const type = { dtype: 'float32', shape: [1, 3, this.imageSize, this.imageSize] } as const;
    const bytes = new Uint8Array(image.buffer, image.byteOffset, image.byteLength);
    const feed = this.#runtime.device ? this.#runtime.upload(type, bytes) : cpuTensorFrom(type, bytes);
    try {
      const result = (await session.run(new Map([[this.#input, feed]]))).get(this.#output)!;
      if (isGpuTensor(result)) throw new TypeError('latents are read on the host');
      const elements = this.shape[0] * this.shape[1] * this.shape[2];
      const floats = new Float32Array(bytesOf(result).slice(0, 4 * elements).buffer);
      return floats.map((value) => value * this.#scale);
    } finally {
      this.#runtime.release(feed);
    }
  }

  async release(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await (await session)?.release();
  }

  #opened(): Promise<Session> {
    this.#session ??= this.#open().catch((error: unknown) => {
      this.#session = undefined;
      throw error;
    });
    return this.#session;
  }
}

/**
 * The autoencoder takes pixels in [-1, 1]. The official code reaches them from encoder-normalised pixels by ImageNet's
 * statistics instead of the encoder's, which squeezes the contrast; `faithful` repeats that (diva.md).
 */
function latentNormalisation(fidelity: Fidelity, { rescale, mean, std }: Normalisation): Normalisation {
  if (fidelity === 'corrected') return centered;
  // 2 ((x - m) / s * si + mi) - 1 written as (x - M) / S.
  const scale = (c: 0 | 1 | 2) => std[c] / (2 * imagenetStd[c]);
  const shift = (c: 0 | 1 | 2) => mean[c] - scale(c) * (2 * imagenetMean[c] - 1);
  return { rescale, mean: [shift(0), shift(1), shift(2)], std: [scale(0), scale(1), scale(2)] };
}

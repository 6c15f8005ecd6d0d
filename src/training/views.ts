import { type Normalisation, normalise } from '../data/preprocess.ts';
import type { RefineConfig } from '../method/config.ts';
import type { CropRequest, CropSource } from './crops.ts';

/** What one image gives to a pass. */
export interface View {
  /** [3, size, size] as the encoder takes them. */
  pixels: Float32Array;
  /** Clean latent, [channels, height, width]. */
  latent: Float32Array;
  /** Embedding by the encoder as it came, for the anchor; empty in runs without one. */
  original: Float32Array;
}

export interface ViewParts {
  config: Pick<RefineConfig, 'cropScale'>;
  images: CropSource;
  teacherSize: number;
  encoder: { size: number; normalisation: Normalisation };
  encodeLatent(pixels: Uint8Array): Promise<Float32Array>;
  /** Embeddings by the encoder as it came, [count, width]: wanted by runs with an anchor. */
  embedOriginal?(pixels: Float32Array): Promise<Float32Array>;
}

/** Bytes of views kept from epoch to epoch. */
const keptBytes = 128 * 2 ** 20;

/** Prepares images for both branches. Whole pictures are prepared once: nothing about them changes with the step. */
export class Views {
  readonly #parts: ViewParts;
  readonly #kept = new Map<number, View>();
  #bytes = 0;

  constructor(parts: ViewParts) {
    this.#parts = parts;
  }

  /** @param requests image indices with the uniform numbers that decide their crops */
  async batch(requests: readonly Pick<CropRequest, 'image' | 'uniforms'>[]): Promise<View[]> {
    const known = requests.map(({ image }) => this.#kept.get(image));
    const missing = requests.filter((_, i) => !known[i]);
    if (missing.length === 0) return known.map((view) => view!);
    const made = await this.#make(missing);
    let next = 0;
    return requests.map(({ image }, i) => known[i] ?? this.#keep(image, made[next++]!));
  }

  async #make(requests: readonly Pick<CropRequest, 'image' | 'uniforms'>[]): Promise<View[]> {
    const { config, images, teacherSize, encoder } = this.#parts;
    const { size, normalisation } = encoder;
    const crops = await Promise.all(
      requests.map((request) =>
        images.crop({ ...request, scale: config.cropScale, teacherSize, encoderSize: size }),
      ),
    );
    const elements = 3 * size * size;
    const pixels = new Float32Array(crops.length * elements);
    for (const [i, crop] of crops.entries())
      normalise({ width: size, height: size, data: crop.encoder }, normalisation, pixels, i * elements);
    const originals = await this.#parts.embedOriginal?.(pixels);
    const width = (originals?.length ?? 0) / crops.length;
    const views: View[] = [];
    for (const [i, crop] of crops.entries()) {
      views.push({
        pixels: pixels.slice(i * elements, (i + 1) * elements),
        latent: await this.#parts.encodeLatent(crop.teacher),
        original: originals?.slice(i * width, (i + 1) * width) ?? new Float32Array(),
      });
    }
    return views;
  }

  #keep(image: number, view: View): View {
    const bytes = 4 * (view.pixels.length + view.latent.length + view.original.length);
    if (this.#parts.config.cropScale >= 1 && this.#bytes + bytes <= keptBytes) {
      this.#kept.set(image, view);
      this.#bytes += bytes;
    }
    return view;
  }
}

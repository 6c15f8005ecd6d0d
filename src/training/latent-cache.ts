import { sha256 } from '../data/hash.ts';

/** Where latents outlive a run: files on this device. */
export interface LatentShelf {
  get(key: string): Promise<Float32Array | undefined>;
  /** False where there was no room. */
  add(latents: ReadonlyMap<string, Float32Array>): Promise<boolean>;
}

export interface LatentCacheOptions {
  /** Makes the latent of a crop. */
  encode(pixels: Uint8Array): Promise<Float32Array>;
  /** Latents of the same autoencoder that are kept from run to run. */
  shelf?: LatentShelf;
  /** Bytes of latents in main memory; what the shelf has not taken stays beyond them. Default 256 MiB. */
  memoryBytes?: number;
}

/** Latents that go to the shelf together: a file each would be slow. */
const together = 64;

/**
 * Clean latents by the pixels they are made from (their SHA-256, which stands for the image and its crop), so that
 * none is made twice: not in a second epoch that shows the same crops, nor in a second run. Looked for in main memory
 * first, then on the shelf.
 */
export class LatentCache {
  readonly #options: LatentCacheOptions;
  /** Least recently used first. */
  readonly #memory = new Map<string, Float32Array>();
  readonly #unshelved = new Map<string, Float32Array>();
  #bytes = 0;
  #shelving: Promise<void> = Promise.resolve();

  constructor(options: LatentCacheOptions) {
    this.#options = options;
  }

  /** The latent of one crop, [channels, height, width]. */
  async encode(pixels: Uint8Array): Promise<Float32Array> {
    const key = await sha256(pixels);
    const known = this.#memory.get(key);
    if (known) {
      this.#memory.delete(key);
      this.#memory.set(key, known);
      return known;
    }
    const { shelf, encode } = this.#options;
    const shelved = await shelf?.get(key);
    const latent = shelved ?? (await encode(pixels));
    this.#remember(key, latent);
    if (!shelved && shelf) {
      this.#unshelved.set(key, latent);
      if (this.#unshelved.size >= together) this.#shelve();
    }
    this.#forget();
    return latent;
  }

  /** Puts what is new on the shelf; resolves when it is there. */
  async flush(): Promise<void> {
    this.#shelve();
    await this.#shelving;
  }

  #remember(key: string, latent: Float32Array): void {
    if (this.#memory.has(key)) return;
    this.#memory.set(key, latent);
    this.#bytes += latent.byteLength;
  }

  /** Drops what was not used for longest, apart from what is nowhere else. */
  #forget(): void {
    const { shelf, memoryBytes = 256 * 2 ** 20 } = this.#options;
    if (!shelf) return;
    for (const [key, latent] of this.#memory) {
      if (this.#bytes <= memoryBytes) return;
      if (this.#unshelved.has(key)) continue;
      this.#memory.delete(key);
      this.#bytes -= latent.byteLength;
    }
  }

  #shelve(): void {
    const { shelf } = this.#options;
    const batch = new Map(this.#unshelved);
    if (!shelf || batch.size === 0) return;
    this.#shelving = this.#shelving.then(async () => {
      // Without room they stay in main memory and are not tried again in this run.
      if (await shelf.add(batch)) for (const key of batch.keys()) this.#unshelved.delete(key);
    });
  }
}

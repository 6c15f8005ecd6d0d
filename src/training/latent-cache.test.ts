import { describe, expect, it } from 'vitest';
import { BlobStore } from '../storage/blobs.ts';
import { RowCache } from '../storage/row-cache.ts';
import { MemoryStorage } from '../storage/testing/memory.ts';
import { LatentCache } from './latent-cache.ts';

/** An autoencoder that counts how often it is run. */
function autoencoder() {
  const made: number[] = [];
  const encode = async (pixels: Uint8Array) => {
    made.push(pixels[0]!);
    return Float32Array.of(pixels[0]! / 2, pixels[1]!);
  };
  return { made, encode };
}

const crop = (image: number) => Uint8Array.of(image, 7, 9);

function shelfOn(storage: MemoryStorage, space = 'vae') {
  const rows = new RowCache(new BlobStore(storage), {
    prefix: 'latents',
    label: 'Latents',
    mostBytes: 2 ** 20,
  });
  return {
    get: (key: string) => rows.get(space, key),
    add: (latents: ReadonlyMap<string, Float32Array>) => rows.add(space, latents),
  };
}

describe('LatentCache', () => {
  it('does not run the autoencoder in a second epoch, nor in a second run', async () => {
    const storage = new MemoryStorage();
    const first = autoencoder();
    const run = new LatentCache({ encode: first.encode, shelf: shelfOn(storage) });
    for (const epoch of [0, 1])
      for (const image of [1, 2, 3])
        expect([...(await run.encode(crop(image)))], `${epoch}`).toEqual([image / 2, 7]);
    expect(first.made).toEqual([1, 2, 3]);
    await run.flush();

    const second = autoencoder();
    const later = new LatentCache({ encode: second.encode, shelf: shelfOn(storage) });
    for (const image of [3, 1, 2]) expect([...(await later.encode(crop(image)))]).toEqual([image / 2, 7]);
    expect(second.made).toEqual([]);
    // A crop that differs in one pixel is another one.
    await later.encode(Uint8Array.of(3, 7, 8));
    expect(second.made).toEqual([3]);
    // So is the same crop to another autoencoder.
    const other = new LatentCache({ encode: second.encode, shelf: shelfOn(storage, 'other vae') });
    await other.encode(crop(1));
    expect(second.made).toEqual([3, 1]);
  });

  it('lets go of what is on the shelf alone when main memory is full', async () => {
    const storage = new MemoryStorage();
    const { made, encode } = autoencoder();
    const cache = new LatentCache({ encode, shelf: shelfOn(storage), memoryBytes: 16 });
    for (const image of [1, 2, 3, 4]) await cache.encode(crop(image));
    await cache.flush();
    await cache.encode(crop(5));
    let reads = 0;
    storage.before = (operation) => {
      if (operation === 'read') reads++;
    };
    await cache.encode(crop(1));
    expect(reads).toBe(1);
    expect(made).toEqual([1, 2, 3, 4, 5]);
  });

  it('keeps latents in main memory where the disk is full', async () => {
    const storage = new MemoryStorage();
    storage.quota = 4;
    const { made, encode } = autoencoder();
    const cache = new LatentCache({ encode, shelf: shelfOn(storage), memoryBytes: 8 });
    for (const image of [1, 2, 3]) await cache.encode(crop(image));
    await cache.flush();
    for (const image of [1, 2, 3]) await cache.encode(crop(image));
    expect(made).toEqual([1, 2, 3]);
  });

  it('makes a latent anew when the browser has removed its file', async () => {
    const storage = new MemoryStorage();
    const { made, encode } = autoencoder();
    const cache = new LatentCache({ encode, shelf: shelfOn(storage) });
    await cache.encode(crop(1));
    await cache.flush();
    const later = new LatentCache({ encode, shelf: shelfOn(storage) });
    storage.stored.clear();
    expect([...(await later.encode(crop(1)))]).toEqual([0.5, 7]);
    expect(made).toEqual([1, 1]);
  });
});

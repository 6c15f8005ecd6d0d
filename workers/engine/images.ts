import type { SourceFile } from '../../src/data/file-content.ts';
import type { ImagePool } from '../../src/data/image-pool.ts';
import type { CropSource } from '../../src/training/crops.ts';

/** Training crops of an image set, by the pool. */
export function poolCrops(pool: ImagePool, images: readonly SourceFile[]): CropSource {
  return {
    count: images.length,
    async crop({ image, scale, uniforms, teacherSize, encoderSize }) {
      const { path, blob } = images[image]!;
      const job = { scale, uniforms, teacherSize, encoderSize };
      const result = await pool.run((jobs) => jobs.crop(blob, 'photo', job));
      if (result.ok) return result.value;
      throw new Error(`${path} could be read when it was added but not any more: ${result.reason}`);
    },
  };
}

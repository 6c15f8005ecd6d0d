import type { GraphBuilder } from '../../onnx/builder.ts';
import { sizeOf } from '../../onnx/data-types.ts';
import { transpose } from '../transpose.ts';
import { reshape } from '../unbroadcast.ts';

/**
 * Cuts an image [N, C, image...] into side-by-side tiles, one a row: [N * tiles, C * tile...], the tiles in
 * row-major order and each tile channel-first, as the kernel of a patch embedding is.
 */
export function toTiles(b: GraphBuilder, image: string, tile: readonly number[]): string {
  const [batch, channels, ...sizes] = b.shape(image) as [number, number, ...number[]];
  const counts = sizes.map((size, i) => size / tile[i]!);
  let value = image;
  // One axis at a time, so that no Transpose is wider than five axes: its count moves in front of the channels.
  for (const [i, count] of counts.entries()) {
    const inFront = sizeOf([batch, ...counts.slice(0, i)]);
    const inTile = sizeOf([channels, ...tile.slice(0, i)]);
    const rest = sizeOf(sizes.slice(i + 1));
    value = transpose(b, reshape(b, value, [inFront, inTile, count, tile[i]!, rest]), [0, 2, 1, 3, 4]);
  }
  return reshape(b, value, [sizeOf([batch, ...counts]), sizeOf([channels, ...tile])]);
}

/** The inverse of {@link toTiles}: rows of tiles back to an image of the given shape. */
export function fromTiles(
  b: GraphBuilder,
  rows: string,
  shape: readonly number[],
  tile: readonly number[],
): string {
  const [batch, channels, ...sizes] = shape as [number, number, ...number[]];
  const counts = sizes.map((size, i) => size / tile[i]!);
  let value = rows;
  for (let i = sizes.length - 1; i >= 0; i--) {
    const inFront = sizeOf([batch, ...counts.slice(0, i)]);
    const inTile = sizeOf([channels, ...tile.slice(0, i)]);
    const rest = sizeOf(sizes.slice(i + 1));
    value = transpose(b, reshape(b, value, [inFront, counts[i]!, inTile, tile[i]!, rest]), [0, 2, 1, 3, 4]);
  }
  return reshape(b, value, shape);
}

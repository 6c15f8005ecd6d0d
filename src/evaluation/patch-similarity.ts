/**
 * Cosine of each patch with a query: another patch of the picture, or a phrase in the space that CLIP shares.
 *
 * @param tokens [1 + patches, width]: class token first, then patches in reading order
 * @param query [width]
 * @returns [patches], from -1 to 1; 0 for a patch without a direction
 */
export function patchSimilarity(tokens: Float32Array, query: Float32Array): Float32Array {
  const width = query.length;
  const rows = tokens.length / width;
  if (width === 0 || !Number.isInteger(rows) || rows < 2) {
    throw new Error(`${tokens.length} values do not make tokens of ${width} elements`);
  }
  const length = norm(query, 0, width);
  return Float32Array.from({ length: rows - 1 }, (_, patch) => {
    const at = (patch + 1) * width;
    let dot = 0;
    for (let i = 0; i < width; i++) dot += tokens[at + i]! * query[i]!;
    const size = length * norm(tokens, at, width);
    return size > 0 ? dot / size : 0;
  });
}

function norm(values: Float32Array, at: number, width: number): number {
  let squares = 0;
  for (let i = at; i < at + width; i++) squares += values[i]! ** 2;
  return Math.sqrt(squares);
}

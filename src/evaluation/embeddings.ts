/** Rows of equal width, in the order of what they stand for. */
export interface EmbeddingTable {
  rows: number;
  width: number;
  /** [rows, width]. */
  values: Float32Array;
}

/** Rows of equal width that are read as they are needed: all of them may take more than the memory. */
export interface RowSource {
  rows: number;
  width: number;
  /** [count, width]. */
  read(from: number, count: number): Promise<Float32Array>;
}

/** Rows that are in memory already. */
export function rowsInMemory(values: Float32Array, rows: number): RowSource {
  const { width } = embeddingTable(values, rows, 'images');
  return {
    rows,
    width,
    read: async (from, count) => values.subarray(from * width, (from + count) * width),
  };
}

/** @throws Error when the values do not make `rows` embeddings of one width. */
export function embeddingTable(values: Float32Array, rows: number, what: string): EmbeddingTable {
  const width = values.length / rows;
  if (rows === 0 || width === 0 || !Number.isInteger(width)) {
    throw new Error(`${values.length} values do not make ${rows} ${what}`);
  }
  return { rows, width, values };
}

/**
 * Scales every row to length 1.
 *
 * @param first number of the first row, for messages
 * @throws Error naming the first row that has no direction: all zero, or not finite.
 */
export function normaliseRows(table: EmbeddingTable, what: string, first = 0): EmbeddingTable {
  const { rows, width } = table;
  const values = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const at = row * width;
    let squares = 0;
    for (let i = 0; i < width; i++) squares += table.values[at + i]! ** 2;
    const length = Math.sqrt(squares);
    if (!(length > 0 && length < Number.POSITIVE_INFINITY)) {
      throw new Error(
        `The embedding of ${what} ${first + row + 1} is ${length === 0 ? 'all zero' : 'not finite'}: the model is broken or was trained apart`,
      );
    }
    for (let i = 0; i < width; i++) values[at + i] = table.values[at + i]! / length;
  }
  return { rows, width, values };
}

/** Dot product of a row of one table with a row of another. */
export function dotRows(a: EmbeddingTable, rowA: number, b: EmbeddingTable, rowB: number): number {
  const { width } = a;
  const [fromA, fromB] = [rowA * width, rowB * width];
  let sum = 0;
  for (let i = 0; i < width; i++) sum += a.values[fromA + i]! * b.values[fromB + i]!;
  return sum;
}

/** Products computed between two pauses of long work: some milliseconds. */
export const productsPerPause = 2 ** 23;

/** @throws Error when images and texts do not share one space. */
export function sameWidth(a: EmbeddingTable, b: EmbeddingTable): void {
  if (a.width !== b.width) {
    throw new Error(
      `Embeddings of ${a.width} and of ${b.width} elements cannot be compared: take both sides from one model`,
    );
  }
}

import { dotRows, type EmbeddingTable, embeddingTable, normaliseRows, sameWidth } from './embeddings.ts';

/**
 * Classifies by the majority among the nearest neighbours by cosine, each with one vote; a tied vote goes to the
 * lowest class, as in scikit-learn's `KNeighborsClassifier(metric="cosine")`.
 */
export class Neighbours {
  readonly #known: EmbeddingTable;
  readonly #labels: readonly number[];
  readonly #classes: number;

  /**
   * @param train [labels.length, width]
   * @param labels class of each row, from 0
   */
  constructor(train: Float32Array, labels: readonly number[]) {
    this.#known = normaliseRows(embeddingTable(train, labels.length, 'images'), 'training image');
    this.#labels = labels;
    this.#classes = labels.reduce((most, label) => Math.max(most, label), 0) + 1;
  }

  /**
   * @param test [rows, width]
   * @param neighbours how many vote; at most all rows
   * @returns predicted class of each test row
   */
  predict(test: Float32Array, rows: number, neighbours: number): number[] {
    if (!(Number.isInteger(neighbours) && neighbours >= 1)) {
      throw new RangeError(`${neighbours} neighbours: at least one is needed`);
    }
    const asked = normaliseRows(embeddingTable(test, rows, 'images'), 'test image');
    sameWidth(this.#known, asked);
    return Array.from({ length: rows }, (_, row) => {
      const votes = new Int32Array(this.#classes);
      for (const other of nearest(asked, row, this.#known, neighbours)) votes[this.#labels[other]!]!++;
      return votes.indexOf(Math.max(...votes));
    });
  }
}

/** Rows of the nearest, of equals the earlier first: kept in order as they come, for there are few of them. */
function nearest(asked: EmbeddingTable, row: number, known: EmbeddingTable, count: number): number[] {
  const rows: number[] = [];
  const scores: number[] = [];
  for (let other = 0; other < known.rows; other++) {
    const score = dotRows(asked, row, known, other);
    if (rows.length === count && !(score > scores[count - 1]!)) continue;
    let at = rows.length;
    while (at > 0 && score > scores[at - 1]!) at--;
    rows.splice(at, 0, other);
    scores.splice(at, 0, score);
    if (rows.length > count) {
      rows.pop();
      scores.pop();
    }
  }
  return rows;
}

import { dotRows, embeddingTable, normaliseRows, sameWidth } from './embeddings.ts';

/**
 * Classifies by the majority among the nearest neighbours by cosine, each with one vote; a tied vote goes to the
 * lowest class, as in scikit-learn's `KNeighborsClassifier(metric="cosine")`.
 *
 * @param train [trainLabels.length, width]
 * @param trainLabels class of each row, from 0
 * @param test [testRows, width]
 * @param neighbours how many vote; at most all rows
 * @returns predicted class of each test row
 */
export function knnPredict(
  train: Float32Array,
  trainLabels: readonly number[],
  test: Float32Array,
  testRows: number,
  neighbours: number,
): number[] {
  if (!(Number.isInteger(neighbours) && neighbours >= 1)) {
    throw new RangeError(`${neighbours} neighbours: at least one is needed`);
  }
  const known = normaliseRows(embeddingTable(train, trainLabels.length, 'images'), 'training image');
  const asked = normaliseRows(embeddingTable(test, testRows, 'images'), 'test image');
  sameWidth(known, asked);
  const classes = Math.max(...trainLabels) + 1;
  return Array.from({ length: testRows }, (_, row) => {
    const scores = Float64Array.from(trainLabels, (_label, other) => dotRows(asked, row, known, other));
    const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
    const votes = new Int32Array(classes);
    for (const other of order.slice(0, neighbours)) votes[trainLabels[other]!]!++;
    return votes.indexOf(Math.max(...votes));
  });
}

import {
  dotRows,
  type EmbeddingTable,
  embeddingTable,
  normaliseRows,
  productsPerPause,
  sameWidth,
} from './embeddings.ts';

/** Percent of the queries with a right answer among the best 1, 5 and 10. */
export interface Recall {
  queries: number;
  at1: number;
  at5: number;
  at10: number;
  /** Place of each query's best right answer, from 1. */
  ranks: number[];
}

export interface RetrievalScore {
  /** An image finds one of its captions. */
  imageToText: Recall;
  /** A caption finds its image. */
  textToImage: Recall;
}

/**
 * Scores retrieval both ways over images with one or more captions (the protocol of Karpathy and Fei-Fei 2015, as
 * CLIP's paper reports it). Among equally near answers the earlier comes first.
 *
 * @param images [images, width]
 * @param texts [imageOfText.length, width]
 * @param imageOfText image of each caption
 * @param pause called between parts of the work with the share that is done, from 0 to 1: it may throw
 * @throws Error when sizes disagree, an image has no caption or an embedding has no direction
 */
export async function scoreRetrieval(
  images: Float32Array,
  texts: Float32Array,
  imageOfText: readonly number[],
  imageCount: number,
  pause: (share: number) => Promise<void> = async () => {},
): Promise<RetrievalScore> {
  const imageTable = normaliseRows(embeddingTable(images, imageCount, 'images'), 'image');
  const textTable = normaliseRows(embeddingTable(texts, imageOfText.length, 'captions'), 'caption');
  sameWidth(imageTable, textTable);
  const captions = Array.from({ length: imageCount }, (): number[] => []);
  for (const [text, image] of imageOfText.entries()) {
    const own = captions[image];
    if (!own) throw new Error(`Caption ${text + 1} belongs to image ${image + 1} of ${imageCount}`);
    own.push(text);
  }
  const bare = captions.findIndex((own) => own.length === 0);
  if (bare >= 0) throw new Error(`Image ${bare + 1} has no caption: leave it out or add one`);
  const queries = imageCount + imageOfText.length;
  const perPause = Math.max(1, Math.floor(productsPerPause / (queries * imageTable.width)));
  const ranks: number[] = [];
  for (let query = 0; query < queries; query++) {
    if (query % perPause === 0) await pause(query / queries);
    const text = query - imageCount;
    ranks.push(
      text < 0
        ? bestRank(imageTable, query, textTable, captions[query]!)
        : bestRank(textTable, text, imageTable, [imageOfText[text]!]),
    );
  }
  return {
    imageToText: recall(ranks.slice(0, imageCount)),
    textToImage: recall(ranks.slice(imageCount)),
  };
}

/** Place of the best of the right answers among all answers, from 1. */
function bestRank(
  queries: EmbeddingTable,
  query: number,
  answers: EmbeddingTable,
  right: readonly number[],
): number {
  const scores = Float64Array.from({ length: answers.rows }, (_, row) =>
    dotRows(queries, query, answers, row),
  );
  let best = right[0]!;
  for (const row of right) if (scores[row]! > scores[best]!) best = row;
  let rank = 1;
  for (const [row, score] of scores.entries()) {
    if (score > scores[best]! || (score === scores[best] && row < best)) rank++;
  }
  return rank;
}

function recall(ranks: number[]): Recall {
  const at = (k: number) => (100 * ranks.filter((rank) => rank <= k).length) / ranks.length;
  return { queries: ranks.length, at1: at(1), at5: at(5), at10: at(10), ranks };
}

import {
  dotRows,
  type EmbeddingTable,
  embeddingTable,
  normaliseRows,
  productsPerPause,
  sameWidth,
} from './embeddings.ts';

export interface ZeroShotScore {
  images: number;
  /** Percent of the images whose best class is theirs. */
  top1: number;
  /** Percent of the images whose class is among the best five. */
  top5: number;
  /** Mean over classes of each class's top-1, in percent; classes without images are left out. */
  meanPerClass: number;
  classes: ClassScore[];
  /** confusion[class][predicted]: images. */
  confusion: number[][];
  /** Predicted class of each image. */
  predictions: number[];
  /** Place of each image's own class, from 1. */
  ranks: number[];
}

export interface ClassScore {
  name: string;
  images: number;
  /** Percent; undefined without images. */
  top1: number | undefined;
  top5: number | undefined;
}

/**
 * Class embeddings as CLIP's zero-shot classifier makes them: the mean of a class's normalised template embeddings,
 * normalised again (Radford et al. 2021, section 3.1.4; open_clip, zero_shot_classifier.py).
 *
 * @param templates [classes * templatesEach, width], all templates of the first class first
 * @returns [classes, width], rows of length 1
 */
export function classEmbeddings(
  templates: Float32Array,
  classes: number,
  templatesEach: number,
): EmbeddingTable {
  const each = normaliseRows(embeddingTable(templates, classes * templatesEach, 'prompts'), 'prompt');
  const values = new Float32Array(classes * each.width);
  for (let row = 0; row < each.rows; row++) {
    const to = Math.floor(row / templatesEach) * each.width;
    for (let i = 0; i < each.width; i++)
      values[to + i]! += each.values[row * each.width + i]! / templatesEach;
  }
  return normaliseRows({ rows: classes, width: each.width, values }, 'class');
}

/**
 * Scores zero-shot classification. Of classes that are equally near, the first one is predicted, as `argmax` does.
 *
 * @param images [labels.length, width], any length
 * @param classes rows of length 1, of {@link classEmbeddings}
 * @param labels class of each image
 * @param pause called between parts of the work with the share that is done, from 0 to 1: it may throw
 * @throws Error when sizes disagree or an embedding has no direction
 */
export async function scoreZeroShot(
  images: Float32Array,
  classes: EmbeddingTable,
  labels: readonly number[],
  names: readonly string[],
  pause: (share: number) => Promise<void> = async () => {},
): Promise<ZeroShotScore> {
  if (names.length !== classes.rows) throw new Error(`${names.length} names for ${classes.rows} classes`);
  const table = normaliseRows(embeddingTable(images, labels.length, 'images'), 'image');
  sameWidth(table, classes);
  const scores = new Float64Array(classes.rows);
  const confusion = names.map(() => names.map(() => 0));
  const predictions: number[] = [];
  const ranks: number[] = [];
  const perPause = Math.max(1, Math.floor(productsPerPause / (classes.rows * classes.width)));
  for (const [image, label] of labels.entries()) {
    if (image % perPause === 0) await pause(image / labels.length);
    if (names[label] === undefined) throw new Error(`Image ${image + 1} has the unknown class ${label}`);
    let best = 0;
    for (let c = 0; c < scores.length; c++) {
      scores[c] = dotRows(table, image, classes, c);
      if (scores[c]! > scores[best]!) best = c;
    }
    const own = scores[label]!;
    let rank = 1;
    for (let c = 0; c < scores.length; c++) if (scores[c]! > own || (scores[c] === own && c < label)) rank++;
    predictions.push(best);
    ranks.push(rank);
    confusion[label]![best]!++;
  }
  const percent = (part: readonly number[], k: number) =>
    part.length === 0 ? undefined : (100 * part.filter((rank) => rank <= k).length) / part.length;
  const byClass = names.map((): number[] => []);
  for (const [image, label] of labels.entries()) byClass[label]!.push(ranks[image]!);
  const perClass = names.map(
    (name, c): ClassScore => ({
      name,
      images: byClass[c]!.length,
      top1: percent(byClass[c]!, 1),
      top5: percent(byClass[c]!, 5),
    }),
  );
  const present = perClass.flatMap(({ top1 }) => (top1 === undefined ? [] : [top1]));
  return {
    images: labels.length,
    top1: percent(ranks, 1)!,
    top5: percent(ranks, 5)!,
    meanPerClass: present.reduce((a, b) => a + b, 0) / present.length,
    classes: perClass,
    confusion,
    predictions,
    ranks,
  };
}

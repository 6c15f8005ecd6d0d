/**
 * MMVP-VLM: pairs of images that CLIP confuses, each with two statements, by nine visual patterns.
 *
 * Tong et al., "Eyes Wide Shut? Exploring the Visual Shortcomings of Multimodal LLMs" (arXiv 2401.06209), section 4;
 * scoring as in tsb0601/MMVP, scripts/evaluate_vlm.py.
 */

/** Guessing gets both statements of a pair right one time in four. */
export const chanceScore = 25;

/** The nine patterns in the benchmark's order, 15 pairs each (evaluate_vlm.py, `categories`). */
export const officialPatterns = [
  'Orientation and Direction',
  'Presence of Specific Features',
  'State and Condition',
  'Quantity and Count',
  'Positional and Relational Context',
  'Color and Appearance',
  'Structural Characteristics',
  'Texts',
  'Viewpoint and Perspective',
] as const;

const pairsPerPattern = 15;
const officialPairs = officialPatterns.length * pairsPerPattern;

/** A row of Questions.csv; two following rows are a pair. */
export interface MmvpRow {
  /** An odd id's statement describes the first image of its pair, an even id's the second. */
  id: number;
  /** The file's own category; both images of a pair lie in the folder of the first row's type. */
  type: string;
  statement: string;
}

export interface MmvpGrouping {
  /** Exactly 135 pairs, so that patterns follow from positions; otherwise the benchmark is called MMVP-style. */
  official: boolean;
  /** Pattern of each pair. */
  patternOfPair: string[];
  /** Patterns in order, with their number of pairs. */
  patterns: { name: string; pairs: number }[];
}

/** Groups the pairs of a benchmark: by position for 135 pairs, by the first row's type otherwise. */
export function groupPairs(rows: readonly MmvpRow[]): MmvpGrouping {
  const pairs = Math.floor(rows.length / 2);
  const official = pairs === officialPairs;
  const patternOfPair = Array.from({ length: pairs }, (_, pair) =>
    official ? officialPatterns[Math.floor(pair / pairsPerPattern)]! : rows[2 * pair]!.type,
  );
  const counts = new Map<string, number>();
  for (const name of patternOfPair) counts.set(name, (counts.get(name) ?? 0) + 1);
  return { official, patternOfPair, patterns: [...counts].map(([name, count]) => ({ name, pairs: count })) };
}

/** What looks unusual about the rows. The score follows the official rule all the same. */
export function questionWarnings(rows: readonly MmvpRow[]): string[] {
  const warnings: string[] = [];
  const warn = (ids: number[], one: string, many: string) => {
    if (ids.length === 0) return;
    const shown =
      ids.length <= 8 ? ids.join(', ') : `${ids.slice(0, 8).join(', ')} and ${ids.length - 8} more`;
    warnings.push(`${ids.length === 1 ? 'Id' : 'Ids'} ${shown}: ${ids.length === 1 ? one : many}`);
  };
  const { official, patternOfPair } = groupPairs(rows);
  const whole = rows.slice(0, 2 * patternOfPair.length);

  const unusual = whole
    .filter((row, i) => Math.abs(row.id % 2) !== (i % 2 === 0 ? 1 : 0))
    .map((row) => row.id);
  const rule =
    'An odd id’s statement is taken to describe the first image of its pair, an even id’s the second';
  warn(
    unusual,
    `unusual parity for its place in the pair. ${rule}`,
    `unusual parity for their place in the pair. ${rule}`,
  );

  const seen = new Set<number>();
  const repeated = whole.filter((row) => seen.size === seen.add(row.id).size).map((row) => row.id);
  warn(repeated, 'used more than once', 'used more than once');

  const torn = whole.filter((row, i) => i % 2 === 1 && row.type !== whole[i - 1]!.type).map((row) => row.id);
  const folder = 'The first row’s Type names the folder of both images';
  warn(
    torn,
    `its Type differs from the first row of the pair. ${folder}`,
    `their Types differ from the first rows of their pairs. ${folder}`,
  );

  if (official) warnings.push(...positionWarnings(whole, warn));
  if (rows.length % 2 === 1) {
    warnings.push(`Id ${rows.at(-1)!.id}: the last row has no partner and is left out`);
  }
  return warnings;
}

/** For 135 pairs: where the Type column contradicts the pattern that the position gives. */
function positionWarnings(
  rows: readonly MmvpRow[],
  warn: (ids: number[], one: string, many: string) => void,
): string[] {
  const named: string[] = [];
  const strangers: number[] = [];
  for (const [block, pattern] of officialPatterns.entries()) {
    const firsts = rows.filter((_, i) => i % 2 === 0 && Math.floor(i / 2 / pairsPerPattern) === block);
    const counts = new Map<string, number>();
    for (const { type } of firsts) counts.set(type, (counts.get(type) ?? 0) + 1);
    const [usual] = [...counts].sort((a, b) => b[1] - a[1])[0]!;
    strangers.push(...firsts.filter((row) => row.type !== usual).map((row) => row.id));
    // The downloaded file calls its types by short names; only a name of another pattern is a contradiction.
    if (usual !== pattern && officialPatterns.some((name) => name === usual)) {
      named.push(
        `Pairs ${block * pairsPerPattern + 1} to ${(block + 1) * pairsPerPattern} count as “${pattern}” by position, ` +
          `but their Type is “${usual}”`,
      );
    }
  }
  const why = 'from the other pairs of the same pattern, which goes by position';
  warn(strangers, `its Type differs ${why}`, `their Types differ ${why}`);
  return named;
}

/** One pair's outcome. */
export interface MmvpPairScore {
  /** From 0. */
  index: number;
  pattern: string;
  /** Cosine of statement i with image j. */
  similarities: [[number, number], [number, number]];
  /** For each statement, the image that the softmax picks. */
  picks: [0 | 1, 0 | 1];
  /** Both statements picked their own image. */
  correct: boolean;
}

export interface MmvpScore {
  official: boolean;
  /** Mean over the patterns, 0..100. */
  total: number;
  /** `score` is 0..100. */
  patterns: { name: string; score: number; correct: number; pairs: number }[];
  pairs: MmvpPairScore[];
}

/**
 * Scores embeddings by the official rule, in the script's arithmetic: every tensor that it holds (normalised
 * features, features times scale, logits, probabilities) is float32.
 *
 * For each statement the softmax over the pair's two images decides: the first image when its probability passes
 * 0.5, else the second, so a tie picks the second.
 *
 * @param imageEmbeddings [2 x pairs, width], rows in benchmark order, not necessarily normalised.
 * @param textEmbeddings same shape: the embedding of each row's prompt (`mmvpPrompt` in src/text/prompts.ts).
 * @param rows the benchmark's rows; a last one without partner is left out.
 * @param logitScale the model's exp(logit_scale): 100 for OpenAI's CLIP.
 * @param secondPass image embeddings that pairs' second statements are scored with, where passes differ (DIVA's
 * redraw); default: the same.
 * @throws Error when sizes disagree or an embedding is zero or not finite.
 */
export function scoreMmvp(
  imageEmbeddings: Float32Array,
  textEmbeddings: Float32Array,
  rows: readonly MmvpRow[],
  logitScale: number,
  secondPass: Float32Array = imageEmbeddings,
): MmvpScore {
  const grouping = groupPairs(rows);
  const count = 2 * grouping.patternOfPair.length;
  if (count === 0) throw new Error('A benchmark needs at least one pair: two rows');
  const width = imageEmbeddings.length / count;
  const sizes = [textEmbeddings.length, secondPass.length];
  if (!Number.isInteger(width) || width === 0 || sizes.some((size) => size !== imageEmbeddings.length)) {
    throw new Error(
      `${imageEmbeddings.length} image and ${textEmbeddings.length} text values do not make ${count} embeddings each. ` +
        'Give one image and one text embedding of equal width for each row, in the order of Questions.csv',
    );
  }
  if (!(logitScale > 0 && Number.isFinite(logitScale))) {
    throw new Error(
      `The logit scale is ${logitScale}. Give exp(logit_scale) of the model, a positive number`,
    );
  }
  const unit = normaliseRows(imageEmbeddings, width, 'image');
  const passes = [unit, secondPass === imageEmbeddings ? unit : normaliseRows(secondPass, width, 'image')];
  const texts = normaliseRows(textEmbeddings, width, 'text');
  // OpenAI's CLIP multiplies the image features by the scale before the matrix product (clip/model.py, forward).
  const scale = Math.fround(logitScale);
  const scaled = passes.map((images) => images.map((value) => scale * value));

  const pairs = grouping.patternOfPair.map((pattern, index): MmvpPairScore => {
    const first = 2 * index;
    const logits = (text: number): [number, number] => [
      dot(scaled[text - first]!, first, texts, text, width),
      dot(scaled[text - first]!, first + 1, texts, text, width),
    ];
    const cosines = (text: number): [number, number] => [
      dot(passes[text - first]!, first, texts, text, width),
      dot(passes[text - first]!, first + 1, texts, text, width),
    ];
    const pick = (text: number): 0 | 1 => (firstProbability(...logits(text)) > 0.5 ? 0 : 1);
    const truth = (text: number): 0 | 1 => (Math.abs(rows[text]!.id % 2) === 1 ? 0 : 1);
    const picks: [0 | 1, 0 | 1] = [pick(first), pick(first + 1)];
    return {
      index,
      pattern,
      similarities: [cosines(first), cosines(first + 1)],
      picks,
      correct: picks[0] === truth(first) && picks[1] === truth(first + 1),
    };
  });

  return { official: grouping.official, ...tally(grouping.patterns, pairs), pairs };
}

/** Pattern scores and their mean from the outcomes of pairs. */
function tally(
  patterns: readonly { name: string; pairs: number }[],
  pairs: readonly { pattern: string; correct: boolean }[],
): Pick<MmvpScore, 'total' | 'patterns'> {
  const scored = patterns.map(({ name, pairs: size }) => {
    const correct = pairs.filter((pair) => pair.pattern === name && pair.correct).length;
    return { name, score: (correct / size) * 100, correct, pairs: size };
  });
  return { total: scored.reduce((sum, { score }) => sum + score, 0) / scored.length, patterns: scored };
}

/** Softmax over two float32 logits; the first probability, as float32. */
function firstProbability(first: number, second: number): number {
  const top = Math.max(first, second);
  const a = Math.fround(Math.exp(Math.fround(first - top)));
  const b = Math.fround(Math.exp(Math.fround(second - top)));
  return Math.fround(a / Math.fround(a + b));
}

/** Rows divided by their L2 norms. Sums run in double precision: no order of a float32 sum is the official one. */
function normaliseRows(values: Float32Array, width: number, side: string): Float32Array {
  const result = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += width) {
    let squares = 0;
    for (let i = start; i < start + width; i++) squares += values[i]! * values[i]!;
    const norm = Math.fround(Math.sqrt(squares));
    if (!(norm > 0 && Number.isFinite(norm))) {
      throw new Error(
        `The ${side} embedding of row ${start / width + 1} is ${norm === 0 ? 'zero' : 'not finite'}: ` +
          'the model’s output cannot be scored',
      );
    }
    for (let i = start; i < start + width; i++) result[i] = values[i]! / norm;
  }
  return result;
}

function dot(a: Float32Array, rowA: number, b: Float32Array, rowB: number, width: number): number {
  let sum = 0;
  for (let i = 0; i < width; i++) sum += a[rowA * width + i]! * b[rowB * width + i]!;
  return Math.fround(sum);
}

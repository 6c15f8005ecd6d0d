/**
 * The image embeddings by which DIVA scores MMVP, class token plus mean of local tokens, beside the official one, the
 * class token alone (Wang et al., arXiv 2407.20171; code: baaivision/DIVA, commit d53c668).
 */
import { type MmvpRow, type MmvpScore, scoreMmvp } from './mmvp.ts';
import { deviation, mean, mulberry32 } from './statistics.ts';

/**
 * Which of DIVA's scripts is followed:
 *
 * - `openai`: class token plus the mean of 76 patch tokens drawn with replacement, drawn anew for every pass, that is
 *   for each of a pair's two statements (condition/OpenAICLIP_for_clip_model.py, VisionTransformer.forward and
 *   CLIP.forward). Scores differ from draw to draw, hence the seeds.
 * - `metaclip`: every token divided by its length, then class token plus the mean of all patch tokens
 *   (run_DIVA_with_MetaCLIP.py, benchmark_model). Nothing is drawn.
 *
 * DIVA scores SigLIP and DFN at 224 pixels by the class token: that is the official embedding.
 */
export type DivaRule = 'openai' | 'metaclip';

export const divaRules: readonly DivaRule[] = ['openai', 'metaclip'];

/** How each rule is called in reports. */
export const divaRuleNames: Readonly<Record<DivaRule, string>> = {
  openai: 'class + mean of 76 patches drawn',
  metaclip: 'class + mean of all patches, each of length 1',
};

/** Patch tokens drawn for one pass: 77 tokens less the class token. */
const drawnPatches = 76;

/** Image embeddings that one image has: by `openai` two for each seed, by `metaclip` one. */
export const divaPasses = (rule: DivaRule, seeds: readonly number[]): number =>
  rule === 'openai' ? 2 * seeds.length : 1;

/**
 * The patches of one pass, drawn with replacement, from 0.
 *
 * @param image row of the image in the benchmark, from 0
 * @param statement of the image's pair: 0 or 1
 */
export function drawPatches(seed: number, image: number, statement: number, patches: number): Int32Array {
  const random = mulberry32(Math.imul(seed, 0x9e3779b9) ^ Math.imul(2 * image + statement + 1, 0x85ebca6b));
  return Int32Array.from({ length: drawnPatches }, () => Math.floor(random() * patches));
}

/**
 * All DIVA-style embeddings of one image.
 *
 * @param tokens [1 + patches, width], the class token first, projected, not normalised
 * @param image row of the image in the benchmark, from 0
 * @returns [passes, width]: for each seed the passes of both statements, or one pass for all
 */
export function divaEmbeddings(
  tokens: Float32Array,
  width: number,
  image: number,
  rule: DivaRule,
  seeds: readonly number[],
): Float32Array {
  const patches = tokens.length / width - 1;
  if (!Number.isInteger(patches) || patches < 1) {
    throw new Error(`${tokens.length} values are no class token and patches of ${width} elements`);
  }
  const result = new Float32Array(divaPasses(rule, seeds) * width);
  if (rule === 'metaclip') {
    const unit = unitRows(tokens, width);
    addMean(
      result,
      unit,
      width,
      Int32Array.from({ length: patches }, (_, i) => i),
    );
    return result;
  }
  for (const [i, seed] of seeds.entries()) {
    for (const statement of [0, 1]) {
      const at = (2 * i + statement) * width;
      addMean(result.subarray(at, at + width), tokens, width, drawPatches(seed, image, statement, patches));
    }
  }
  return result;
}

/** Writes the class token plus the mean of the given patches. */
function addMean(into: Float32Array, tokens: Float32Array, width: number, patches: Int32Array): void {
  for (let i = 0; i < width; i++) {
    let sum = 0;
    for (const patch of patches) sum += tokens[(1 + patch) * width + i]!;
    into[i] = tokens[i]! + Math.fround(sum / patches.length);
  }
}

function unitRows(tokens: Float32Array, width: number): Float32Array {
  const result = new Float32Array(tokens.length);
  for (let at = 0; at < tokens.length; at += width) {
    let squares = 0;
    for (let i = at; i < at + width; i++) squares += tokens[i]! ** 2;
    // torch's normalize divides by at least this.
    const length = Math.max(Math.sqrt(squares), 1e-12);
    for (let i = at; i < at + width; i++) result[i] = tokens[i]! / length;
  }
  return result;
}

/** MMVP by DIVA's embeddings. Patterns and pairs are those of the first seed. */
export interface DivaStyleScore extends Pick<MmvpScore, 'official' | 'patterns'> {
  rule: DivaRule;
  /** Mean over the seeds, 0..100. */
  total: number;
  /** Standard deviation over the seeds (n - 1), in points; undefined for one. */
  spread: number | undefined;
  /** One for each seed; empty where nothing is drawn. */
  seeds: { seed: number; total: number }[];
  pairs: readonly { index: number; pattern: string; correct: boolean }[];
}

/**
 * Scores embeddings of {@link divaEmbeddings} by the official rule.
 *
 * @param images [rows, passes, width], rows in benchmark order
 * @param texts [rows, width]
 */
export function scoreDivaStyle(
  images: Float32Array,
  texts: Float32Array,
  rows: readonly MmvpRow[],
  logitScale: number,
  rule: DivaRule,
  seeds: readonly number[],
): DivaStyleScore {
  const count = rows.length;
  const passes = divaPasses(rule, seeds);
  const width = texts.length / count;
  if (images.length !== count * passes * width) {
    throw new Error(
      `${images.length} values are not ${passes} embeddings of ${width} for each of ${count} images`,
    );
  }
  const pass = (number: number): Float32Array => {
    const picked = new Float32Array(count * width);
    for (let row = 0; row < count; row++) {
      const from = (row * passes + number) * width;
      picked.set(images.subarray(from, from + width), row * width);
    }
    return picked;
  };
  const scores =
    rule === 'metaclip'
      ? [scoreMmvp(pass(0), texts, rows, logitScale)]
      : seeds.map((_, i) => scoreMmvp(pass(2 * i), texts, rows, logitScale, pass(2 * i + 1)));
  const totals = scores.map(({ total }) => total);
  const { official, patterns, pairs } = scores[0]!;
  return {
    rule,
    official,
    patterns,
    total: mean(totals),
    spread: deviation(totals),
    seeds: rule === 'metaclip' ? [] : seeds.map((seed, i) => ({ seed, total: totals[i]! })),
    pairs: pairs.map(({ index, pattern, correct }) => ({ index, pattern, correct })),
  };
}

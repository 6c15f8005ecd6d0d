import results from '../../../docs/demo-results.json';

interface Scores {
  total: number;
}

interface StudyRun {
  seed: number;
  before: Scores;
  after: Scores;
  zeroShot: { before: number; after: number };
  hidden: { fixed: number; broken: number };
}

/** The published study of the recipe that the demo runs (docs/demo-results.md). */
export interface Study {
  seeds: readonly StudyRun[];
  controls: readonly (StudyRun & { control: string })[];
  /** `gain`: the interval lies above zero, over five seeds, with zero-shot kept. */
  claim: 'gain' | 'null';
  /** 95% interval of the mean change, in points. */
  interval: readonly [number, number];
}

export const study = results as unknown as Study;

/** Mean change of the score over runs, in points. */
export function meanChange(runs: readonly Pick<StudyRun, 'before' | 'after'>[]): number {
  return runs.reduce((sum, { before, after }) => sum + after.total - before.total, 0) / runs.length;
}

/** What the controls are, for the table. */
export const controlNames: Readonly<Record<string, string>> = {
  shuffled: 'Other pictures’ latents',
  captionless: 'A teacher that never read captions',
};

import { formatPlural, formatSigned } from '../../features/shared/format.ts';
import { meanChange, type Study } from './study.ts';

/**
 * What changed and how sure that is, in one sentence: this run by its own statistics, then what the published seeds
 * say of the recipe. A study without a claim is said to have none.
 *
 * @param verdict one sentence on the run, by the comparison's statistics
 */
export function demoSentence(verdict: string, { seeds, claim, interval }: Study): string {
  const run = verdict.replace(/\.$/, '');
  if (seeds.length === 0) return `${run}; no other seed has been published to judge it by.`;
  const range = `95% interval ${formatSigned(interval[0])} to ${formatSigned(interval[1])}`;
  const over = `over ${formatPlural(seeds.length, 'published seed')} the recipe changes the score by ${formatSigned(meanChange(seeds))} points (${range})`;
  return claim === 'gain'
    ? `${run}; ${over}, a gain beyond chance.`
    : `${run}; ${over}, which is not enough to claim a gain.`;
}

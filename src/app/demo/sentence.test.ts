import { expect, test } from 'vitest';
import { demoSentence } from './sentence.ts';
import { meanChange, type Study, study } from './study.ts';

const run = (seed: number, after: number) => ({
  seed,
  before: { total: 60 },
  after: { total: after },
  zeroShot: { before: 80, after: 80 },
  hidden: { fixed: 5, broken: 2 },
});
const claimed: Study = { seeds: [run(1, 63), run(2, 62)], controls: [], claim: 'gain', interval: [1.2, 4.1] };

test('one sentence: the run, then the published seeds', () => {
  expect(demoSentence('3 pairs fixed and 1 broken.', claimed)).toBe(
    '3 pairs fixed and 1 broken; over 2 published seeds the recipe changes the score by +2.5 points (95% interval +1.2 to +4.1), a gain beyond chance.',
  );
});

test('a claim of nothing is said', () => {
  const sentence = demoSentence('Not one pair changed.', { ...claimed, claim: 'null', interval: [-1, 4] });
  expect(sentence).toMatch(
    /^Not one pair changed; .*−1\.0 to \+4\.0\), which is not enough to claim a gain\.$/,
  );
  expect(demoSentence('Not one pair changed.', { ...claimed, seeds: [] })).toMatch(/no other seed/);
});

test('the published file has what the page shows', () => {
  expect(study.seeds.length).toBeGreaterThan(0);
  expect(['gain', 'null']).toContain(study.claim);
  const [low, high] = study.interval;
  expect(meanChange(study.seeds)).toBeGreaterThan(low);
  expect(meanChange(study.seeds)).toBeLessThan(high);
  // A gain is claimed of five seeds at least, whose interval lies above zero.
  if (study.claim === 'gain') {
    expect(study.seeds.length).toBeGreaterThanOrEqual(5);
    expect(low).toBeGreaterThan(0);
  }
});

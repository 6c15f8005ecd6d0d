import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { presets, type RefineConfig } from '../method/config.ts';
import { Draws } from './draws.ts';

interface Reference {
  shares: number[];
  cases: { mean: number; std: number; quantiles: number[] }[];
}

const reference = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/logit_normal.json', import.meta.url), 'utf8'),
) as Reference;

const count = 20_000;

function timesteps(config: Partial<RefineConfig['timesteps']>, seed = 42): number[] {
  const draws = new Draws({ ...presets.diva, seed, timesteps: { ...presets.diva.timesteps, ...config } }, 10);
  return Array.from({ length: count }, (_, i) => draws.timestep(i >> 2, (i >> 1) & 1, i & 1));
}

describe('timesteps', () => {
  it.each(reference.cases)(
    'follow the logit-normal law of SciPy (mean $mean, std $std)',
    ({ mean, std, quantiles }) => {
      const drawn = timesteps({ sampling: 'logit-normal', mean, std, min: 0, max: 1000 });
      for (const [k, share] of reference.shares.entries()) {
        const below = drawn.filter((t) => t < 1000 * quantiles[k]!).length / count;
        // Four standard errors of a share, and the rounding of timesteps to whole numbers.
        expect(Math.abs(below - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / count) + 0.004);
      }
    },
  );

  it('are spread evenly when uniform, as in configurations that do not say', () => {
    const { sampling: _, mean: __, std: ___, ...old } = presets.diva.timesteps;
    const plain = new Draws({ ...presets.diva, timesteps: old }, 10);
    const drawn = timesteps({ sampling: 'uniform' });
    expect(drawn.slice(0, 100)).toEqual(
      Array.from({ length: 100 }, (_, i) => plain.timestep(i >> 2, (i >> 1) & 1, i & 1)),
    );
    for (const share of reference.shares) {
      const below = drawn.filter((t) => t < 1000 * share).length / count;
      expect(Math.abs(below - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / count));
    }
  });

  it('repeat with the seed, differ without it, and stay inside their range', () => {
    const law = { sampling: 'logit-normal', mean: 3, std: 10, min: 200, max: 700 } as const;
    const drawn = timesteps(law);
    expect(timesteps(law)).toEqual(drawn);
    expect(timesteps(law, 7)).not.toEqual(drawn);
    expect(Math.min(...drawn)).toBe(200);
    expect(Math.max(...drawn)).toBe(699);
  });
});

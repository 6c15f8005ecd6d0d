import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { noiseSchedule } from './noise.ts';

/** abar_t by diffusers' DDPMScheduler for the built-in configuration (tools/reference/diva.py). */
const { alphasCumprod } = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/diva/cases.json', import.meta.url), 'utf8'),
) as { alphasCumprod: Record<string, number> };

it('is the schedule of diffusers', () => {
  const config = JSON.parse(
    readFileSync(
      new URL('../../public/models/acuity-diffusion/scheduler/scheduler_config.json', import.meta.url),
      'utf8',
    ),
  ) as object;
  const schedule = noiseSchedule(config);
  expect(schedule.steps).toBe(1000);
  expect(schedule.prediction).toBe('epsilon');
  for (const [t, abar] of Object.entries(alphasCumprod)) {
    // diffusers computes in float32.
    expect(schedule.signal[Number(t)]! ** 2 / abar).toBeCloseTo(1, 4);
    expect(schedule.signal[Number(t)]! ** 2 + schedule.noise[Number(t)]! ** 2).toBeCloseTo(1, 12);
  }
});

it('names the field that it cannot read', () => {
  expect(() => noiseSchedule({ beta_schedule: 'exotic' })).toThrow(/beta_schedule "exotic"/);
  expect(() => noiseSchedule({ prediction_type: 'flow' })).toThrow(/prediction_type "flow"/);
  expect(() => noiseSchedule({ num_train_timesteps: 0 })).toThrow(/num_train_timesteps/);
});

import { expect, test } from 'vitest';
import type { RunEvent, RunSummary, StepRecord } from '../../../workers/protocol.ts';
import { presets } from '../../method/config.ts';
import { withEvents } from './run-events.ts';

const record = (step: number, loss = 1 / step): StepRecord => ({
  step,
  loss,
  gradientNorm: 1,
  learningRate: 1e-4,
  drift: 0,
  ms: 10,
});

const run = (steps: StepRecord[]): RunSummary => ({
  id: 'r',
  name: 'Run',
  state: 'running',
  config: presets.quick,
  encoder: 'e',
  teacher: 't',
  imageSet: 'i',
  provider: 'wasm',
  createdAt: '2026-11-24T12:00:00Z',
  step: steps.at(-1)?.step ?? 0,
  steps,
});

const step = (number: number, loss?: number): RunEvent => ({
  type: 'step',
  record: record(number, loss),
  secondsLeft: 60 - number,
});

test('steps are appended in order', () => {
  const { run: next, live } = withEvents(run([]), undefined, [step(1), step(2), step(3)]);
  expect(next.steps.map((each) => each.step)).toEqual([1, 2, 3]);
  expect(next.step).toBe(3);
  expect(live.secondsLeft).toBe(57);
});

test('steps made again after a resume replace those after the checkpoint', () => {
  const before = run([record(1), record(2), record(3), record(4)]);
  const { run: next } = withEvents(before, undefined, [step(3, 0.5), step(4, 0.25)]);
  expect(next.steps.map(({ loss }) => loss)).toEqual([1, 0.5, 0.5, 0.25]);
  expect(before.steps).toHaveLength(4);
});

test('a failure keeps its reason until the run goes on', () => {
  const failed = withEvents(run([]), undefined, [
    { type: 'state', state: 'failed', problem: 'out of memory' },
  ]);
  expect(failed.run.problem).toBe('out of memory');
  const again = withEvents(failed.run, failed.live, [{ type: 'state', state: 'running' }]);
  expect(again.run).not.toHaveProperty('problem');
});

test('preparation progress ends with the preparation', () => {
  const progress = { label: 'Compiling', done: 1, total: 2, secondsLeft: null };
  const preparing = withEvents(run([]), undefined, [{ type: 'progress', progress }]);
  expect(preparing.live.progress).toEqual(progress);
  expect(
    withEvents(preparing.run, preparing.live, [{ type: 'state', state: 'running' }]).live.progress,
  ).toBeNull();
});

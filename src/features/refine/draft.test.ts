import { expect, test } from 'vitest';
import { presets, type RefineConfig } from '../../method/config.ts';
import { differences, nearestPreset } from './config-difference.ts';
import { type Draft, draftOf, idleFields, readDraft } from './draft.ts';
import { fieldGroups, flatten, unflatten } from './fields.ts';

const draft = (changes: Partial<Draft> = {}): Draft => ({ ...draftOf(presets.quick), ...changes });

function problems(changes: Partial<Draft>, images?: number) {
  const read = readDraft(draft(changes), { images });
  return 'problems' in read ? read.problems : {};
}

test.each(Object.entries(presets))('the preset %s is valid and survives the form', (_, preset) => {
  expect(unflatten(flatten(preset))).toEqual(preset);
  expect(readDraft(draftOf(preset))).toEqual({ config: preset });
});

test('the form shows every field of a configuration exactly once', () => {
  const shown = fieldGroups.flatMap(({ fields }) => fields.map(({ name }) => name));
  expect([...shown].sort()).toEqual(Object.keys(flatten(presets.quick)).sort());
});

test('each field that is out of bounds is named', () => {
  expect(problems({ steps: '0', 'optimizer.learningRate': '0', cropScale: '2' })).toEqual({
    steps: 'At least 1',
    'optimizer.learningRate': 'Above 0',
    cropScale: 'At most 1',
  });
});

test('numbers may be written in powers of ten', () => {
  expect(draft()['optimizer.learningRate']).toBe('1e-5');
  expect(readDraft(draft({ 'optimizer.learningRate': '3e-4' }))).toHaveProperty(
    'config.optimizer.learningRate',
    3e-4,
  );
});

test('what is no whole number is refused as a count', () => {
  expect(problems({ batchSize: ' ' })).toEqual({ batchSize: 'Give a number' });
  expect(problems({ batchSize: 'eight' })).toEqual({ batchSize: 'Give a number' });
  expect(problems({ batchSize: '2.5' })).toEqual({ batchSize: 'Give a whole number' });
});

test('fields are checked against each other and the images', () => {
  expect(problems({ 'timesteps.min': '500', 'timesteps.max': '500' })).toHaveProperty(['timesteps.max']);
  expect(problems({ batchSize: '8' }, 4)).toEqual({ batchSize: 'The image set holds only 4' });
  expect(problems({ batchSize: '8' }, 8)).toEqual({});
  expect(problems({ steps: '10', projectorWarmup: '10' })).toHaveProperty(['projectorWarmup']);
  // A run shorter than the interval has its checkpoint at the end.
  expect(problems({ steps: '10', checkpointEvery: '20' })).toEqual({});
});

test('a text-inverse map takes the class token, and trains no projection first', () => {
  const inverse = { ...draftOf(presets.textInverse), condition: 'class+part' };
  expect(readDraft(inverse)).toHaveProperty('problems.condition');
  expect(idleFields(inverse)).toContain('projectorWarmup');
  expect(idleFields(inverse)).not.toContain('directions');
});

test('fields without effect are known', () => {
  expect(idleFields(draft({ condition: 'class', 'optimizer.kind': 'sgd' }))).toEqual(
    new Set([
      'trainable.blocks',
      'trainable.rank',
      'trainable.alpha',
      'directions',
      'partTokens',
      'timesteps.mean',
      'timesteps.std',
      'projectorLearningRate',
      'optimizer.beta2',
      'optimizer.epsilon',
    ]),
  );
  const all = {
    condition: 'class+part',
    'optimizer.kind': 'adamw',
    'timesteps.sampling': 'logit-normal',
    projectorWarmup: '5',
  };
  // Only a text-inverse map, which trains no projection, has directions; LoRA has no blocks to choose.
  const lora = { ...all, 'trainable.kind': 'lora' };
  expect(idleFields(draft(lora))).toEqual(new Set(['directions', 'trainable.blocks']));
});

test('a configuration kept by an earlier version reads as what it did', () => {
  const { projectorWarmup: _, projectorLearningRate: __, timesteps, ...rest } = presets.quick;
  const old: RefineConfig = { ...rest, timesteps: { min: timesteps.min, max: timesteps.max } };
  const flat = flatten(old);
  expect(flat['timesteps.sampling']).toBe('uniform');
  expect(flat.projectorWarmup).toBe(0);
  expect(readDraft(draftOf(old))).toHaveProperty('config.steps', old.steps);
});

test('a run is told by what it changes', () => {
  const changed = {
    ...presets.quick,
    seed: 7,
    optimizer: { ...presets.quick.optimizer, learningRate: 3e-5 },
  };
  expect(differences(changed, presets.quick)).toEqual([
    { name: 'optimizer.learningRate', label: 'Learning rate', from: '1e-5', to: '3e-5' },
    { name: 'seed', label: 'Seed', from: '42', to: '7' },
  ]);
  expect(nearestPreset(changed).preset).toBe('quick');
  expect(nearestPreset(presets.diva)).toEqual({ preset: 'diva', differences: [] });
});

test('offers float16 where the hardware has it, and says why elsewhere', () => {
  const adapter = { description: '', vendor: '', architecture: '', software: false, f16: true };
  const problemOn = (provider: 'webgpu' | 'wasm', f16: boolean) => {
    const read = readDraft(draft({ precision: 'float16' }), {
      hardware: { provider, adapter: { ...adapter, f16 } },
    });
    return 'problems' in read ? read.problems.precision : read.config.precision;
  };
  expect(problemOn('webgpu', true)).toBe('float16');
  expect(problemOn('webgpu', false)).toMatch(/shader-f16/);
  expect(problemOn('wasm', true)).toMatch(/WebAssembly/);
});

import type { WeightsRef } from '../../../workers/protocol.ts';
import { useCheckpoints } from '../checkpoints/store.ts';
import { useModels } from '../models/store.ts';
import { useRefine } from '../refine/store.ts';

interface Choice {
  value: string;
  label: string;
}

/** A run's checkpoints, or the originals. */
export interface WeightsGroup {
  group: string;
  items: Choice[];
}

/** Originals, then the checkpoints of each run, newest first. */
export function useWeightChoices(): WeightsGroup[] {
  const encoders = useModels((state) => state.encoders);
  const checkpoints = useCheckpoints((state) => state.checkpoints);
  const runs = useRefine((state) => state.runs);
  const kept = [...new Set(checkpoints.map(({ encoder }) => encoder))].filter(
    (id) => !encoders.some((encoder) => encoder.id === id),
  );
  const originals = [
    ...encoders.map(({ id, name }) => ({ id, name })),
    ...kept.map((id) => ({ id, name: id })),
  ];
  const names = new Map(runs.map(({ id, name }) => [id, name]));
  return [
    {
      group: 'As it came',
      items: originals.map(({ id, name }) => ({ value: `original:${id}`, label: `${name}, original` })),
    },
    ...[...new Set(checkpoints.map(({ run }) => run))].map((run) => ({
      group: names.get(run) ?? run,
      items: checkpoints
        .filter((checkpoint) => checkpoint.run === run)
        .sort((a, b) => b.step - a.step)
        .map(({ id, step }) => ({
          value: `checkpoint:${id}`,
          label: `${names.get(run) ?? run}, step ${step}`,
        })),
    })),
  ];
}

/** The weights that a choice's value stands for. */
export function parseWeights(value: string): WeightsRef {
  const colon = value.indexOf(':');
  const id = value.slice(colon + 1);
  return value.startsWith('original:') ? { kind: 'original', encoder: id } : { kind: 'checkpoint', id };
}

/** Weights as the value of a choice. */
export const valueOfWeights = (weights: WeightsRef): string =>
  weights.kind === 'original' ? `original:${weights.encoder}` : `checkpoint:${weights.id}`;

import { ActionIcon, Button, NativeSelect, Tooltip } from '@mantine/core';
import { IconArrowsExchange, IconColumns2 } from '@tabler/icons-react';
import { useEffect } from 'react';
import type { WeightsRef } from '../../../workers/protocol.ts';
import { useCheckpoints } from '../checkpoints/store.ts';
import { useImages } from '../images/store.ts';
import { useModels } from '../models/store.ts';
import { useRefine } from '../refine/store.ts';
import { formatPlural } from '../shared/format.ts';
import { useCompare } from './store.ts';

/** Which weights, on which benchmark. */
export function CompareSetup() {
  const { before, after, work } = useCompare();
  const { benchmarks, benchmark, chooseBenchmark } = useImages();
  const { choose, run } = useCompare.getState();
  const groups = useWeightChoices();
  const flat = groups.flatMap(({ items }) => items);
  const chosen = benchmarks.find(({ id }) => id === benchmark);

  // A sensible start: the original against the newest checkpoint, once it is known whether there is one.
  const known = useCheckpoints((state) => state.state !== 'loading');
  const original = flat.find(({ value }) => value.startsWith('original:'))?.value;
  const newest = flat.find(({ value }) => value.startsWith('checkpoint:'))?.value ?? original;
  useEffect(() => {
    const state = useCompare.getState();
    if (!known || !original || !newest) return;
    if (!state.before) state.choose('before', parse(original));
    if (!state.after) state.choose('after', parse(newest));
  }, [known, original, newest]);

  return (
    <section className="compare-setup panel" aria-label="What to compare">
      <WeightsSelect
        label="Before"
        value={before}
        groups={groups}
        onChange={(ref) => choose('before', ref)}
      />
      <Tooltip label="Swap the two sides">
        <ActionIcon
          variant="subtle"
          color="gray"
          size={34}
          className="compare-swap"
          aria-label="Swap before and after"
          onClick={() => {
            choose('before', after);
            choose('after', before);
          }}
        >
          <IconArrowsExchange size={18} stroke={1.75} />
        </ActionIcon>
      </Tooltip>
      <WeightsSelect label="After" value={after} groups={groups} onChange={(ref) => choose('after', ref)} />
      <NativeSelect
        label="Benchmark"
        value={benchmark ?? ''}
        disabled={benchmarks.length === 0}
        data={
          benchmarks.length === 0
            ? [{ value: '', label: 'None yet' }]
            : benchmarks.map(({ id, name, pairs }) => ({
                value: id,
                label: `${name} (${formatPlural(pairs, 'pair')})`,
              }))
        }
        onChange={(event) => chooseBenchmark(event.currentTarget.value)}
      />
      <Button
        leftSection={<IconColumns2 size={16} stroke={1.75} />}
        disabled={!before || !after || !chosen || work.state === 'busy'}
        onClick={() => chosen && void run(chosen.id)}
      >
        Compare
      </Button>
    </section>
  );
}

interface Choice {
  value: string;
  label: string;
}

/** Originals, then the checkpoints of each run, newest first. */
function useWeightChoices(): { group: string; items: Choice[] }[] {
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

function parse(value: string): WeightsRef {
  const colon = value.indexOf(':');
  const id = value.slice(colon + 1);
  return value.startsWith('original:') ? { kind: 'original', encoder: id } : { kind: 'checkpoint', id };
}

interface WeightsSelectProps {
  label: string;
  value: WeightsRef | null;
  groups: { group: string; items: Choice[] }[];
  onChange: (weights: WeightsRef) => void;
}

function WeightsSelect({ label, value, groups, onChange }: WeightsSelectProps) {
  const current =
    value === null ? '' : value.kind === 'original' ? `original:${value.encoder}` : `checkpoint:${value.id}`;
  return (
    <NativeSelect
      label={label}
      value={current}
      data={groups}
      onChange={(event) => onChange(parse(event.currentTarget.value))}
    />
  );
}

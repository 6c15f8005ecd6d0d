import { ActionIcon, Button, NativeSelect, Tooltip } from '@mantine/core';
import { IconArrowsExchange, IconColumns2 } from '@tabler/icons-react';
import { useEffect } from 'react';
import type { WeightsRef } from '../../../workers/protocol.ts';
import { useCheckpoints } from '../checkpoints/store.ts';
import { useImages } from '../images/store.ts';
import { formatPlural } from '../shared/format.ts';
import {
  parseWeights,
  useWeightChoices,
  valueOfWeights,
  type WeightsGroup,
} from '../shared/weight-choices.ts';
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
    if (!state.before) state.choose('before', parseWeights(original));
    if (!state.after) state.choose('after', parseWeights(newest));
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

interface WeightsSelectProps {
  label: string;
  value: WeightsRef | null;
  groups: WeightsGroup[];
  onChange: (weights: WeightsRef) => void;
}

function WeightsSelect({ label, value, groups, onChange }: WeightsSelectProps) {
  const current = value === null ? '' : valueOfWeights(value);
  return (
    <NativeSelect
      label={label}
      value={current}
      data={groups}
      onChange={(event) => onChange(parseWeights(event.currentTarget.value))}
    />
  );
}

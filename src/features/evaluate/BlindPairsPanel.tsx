import { Button, NativeSelect, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import type { PairSearch } from '../../../workers/protocol.ts';
import { mmvpBounds } from '../../evaluation/blind-pairs.ts';
import { useImages } from '../images/store.ts';
import { useModels } from '../models/store.ts';
import { DropTarget } from '../shared/DropTarget.tsx';
import { formatPlural } from '../shared/format.ts';
import { Panel } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { WorkProgress } from '../shared/WorkProgress.tsx';
import { parseWeights, useWeightChoices } from '../shared/weight-choices.ts';
import { useBlindPairs } from './blind-pairs-store.ts';
import { PairReviews } from './PairReviews.tsx';
import './blind-pairs.css';

const most = 60;

/** Pairs of one's own images that CLIP takes for the same and another encoder does not, as MMVP was made. */
export function BlindPairsPanel() {
  const { searching, loading, reviews, searched } = useBlindPairs();
  const { cancel, search, loadSecond, failLoading } = useBlindPairs.getState();
  const sets = useImages((state) => state.sets);
  const firsts = useWeightChoices();
  const seconds = useSecondChoices();
  const [first, setFirst] = useState<string | null>(null);
  const [second, setSecond] = useState<string | null>(null);
  const [set, setSet] = useState<string | null>(null);
  const [alike, setAlike] = useState(String(mmvpBounds.alike));
  const [different, setDifferent] = useState(String(mmvpBounds.different));

  const weights = first ?? firsts.flatMap(({ items }) => items)[0]?.value;
  const opinion = second ?? seconds.flatMap(({ items }) => items)[0]?.value;
  const imageSet = set ?? sets[0]?.id;
  const bounds = [alike, different].map(Number);
  const sound = bounds.every((bound) => bound >= -1 && bound <= 1) && alike !== '' && different !== '';
  const ready = weights !== undefined && opinion !== undefined && imageSet !== undefined && sound;

  return (
    <Panel
      title="Blind pairs"
      note="Pairs of your own images that the first encoder thinks alike and a second one different. Review them, write what tells them apart, and take them away as a benchmark in MMVP’s layout."
    >
      <div className="blind-search">
        <NativeSelect
          label="Encoder that may be blind"
          value={weights ?? ''}
          data={firsts}
          onChange={(event) => setFirst(event.currentTarget.value)}
        />
        <NativeSelect
          label="Second opinion"
          value={opinion ?? ''}
          data={seconds.length > 0 ? seconds : [{ value: '', label: 'None yet' }]}
          onChange={(event) => setSecond(event.currentTarget.value)}
        />
        <NativeSelect
          label="Your images"
          value={imageSet ?? ''}
          data={
            sets.length === 0
              ? [{ value: '', label: 'None yet: add some in Images' }]
              : sets.map(({ id, name, count }) => ({
                  value: id,
                  label: `${name} (${formatPlural(count, 'image')})`,
                }))
          }
          onChange={(event) => setSet(event.currentTarget.value)}
        />
        <TextInput
          label="Alike above"
          inputMode="decimal"
          value={alike}
          onChange={(event) => setAlike(event.currentTarget.value)}
        />
        <TextInput
          label="Different below"
          inputMode="decimal"
          value={different}
          error={sound ? undefined : 'Both bounds are cosines from −1 to 1.'}
          onChange={(event) => setDifferent(event.currentTarget.value)}
        />
        <Button
          leftSection={<IconSearch size={16} stroke={1.75} />}
          disabled={!ready || searching.state === 'busy'}
          onClick={() =>
            ready &&
            void search({
              weights: parseWeights(weights),
              second: opinionOf(opinion),
              imageSet,
              alike: bounds[0]!,
              different: bounds[1]!,
              most,
            })
          }
        >
          Find pairs
        </Button>
      </div>
      {loading.state === 'busy' ? (
        <WorkProgress name="Loading the second encoder" progress={loading.progress} />
      ) : (
        <DropTarget
          name="Second encoder"
          title="Drop another encoder for the second opinion, such as a DINOv2 export"
          compact
          onFiles={(files) => void loadSecond(files).then((id) => id !== null && setSecond(`encoder:${id}`))}
          onProblem={failLoading}
        />
      )}
      {loading.state === 'failed' && (
        <Problem title="The second encoder could not be loaded">{loading.problem}</Problem>
      )}
      {searching.state === 'failed' && (
        <Problem title="The pairs could not be searched for">{searching.problem}</Problem>
      )}
      {searching.state === 'busy' && (
        <WorkProgress
          name="Looking for pairs"
          progress={searching.progress}
          cancelling={searching.cancelling}
          onCancel={() => void cancel()}
        />
      )}
      {reviews.length > 0 && <PairReviews reviews={reviews} />}
      {searched && reviews.length === 0 && searching.state === 'idle' && (
        <p className="evaluate-hint" role="status">
          No pair lies within these bounds. Lower “Alike above” or raise “Different below”.
        </p>
      )}
    </Panel>
  );
}

/** Second encoders, the teachers, and the models in the list. */
function useSecondChoices() {
  const seconds = useBlindPairs((state) => state.seconds);
  const teachers = useModels((state) => state.teachers);
  const models = useWeightChoices();
  return [
    {
      group: 'Loaded for this',
      items: seconds.map(({ id, name }) => ({ value: `encoder:${id}`, label: name })),
    },
    {
      group: 'Teacher',
      items: teachers.map(({ id, name }) => ({ value: `teacher:${id}`, label: `${name}, latents` })),
    },
    ...models.map(({ group, items }) => ({
      group: `Model: ${group}`,
      items: items.map(({ value, label }) => ({ value: `weights:${value}`, label })),
    })),
  ].filter(({ items }) => items.length > 0);
}

function opinionOf(value: string): PairSearch['second'] {
  const colon = value.indexOf(':');
  const id = value.slice(colon + 1);
  if (value.startsWith('weights:')) return { kind: 'weights', weights: parseWeights(id) };
  return value.startsWith('teacher:') ? { kind: 'teacher', id } : { kind: 'encoder', id };
}

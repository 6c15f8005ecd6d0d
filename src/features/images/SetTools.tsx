import { Button, NumberInput, SegmentedControl, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import type { DuplicateImage } from '../../../workers/protocol.ts';
import { formatPlural } from '../shared/format.ts';
import { Problem } from '../shared/Problem.tsx';
import { WorkProgress } from '../shared/WorkProgress.tsx';
import { useImages } from './store.ts';

interface SetToolsProps {
  set: string;
  /** Images in sight, after search and filter. */
  shown: number;
  /** By path; undefined until they have been looked for. */
  duplicates: ReadonlyMap<string, DuplicateImage> | undefined;
  query: string;
  onQuery: (query: string) => void;
  onlyDuplicates: boolean;
  onOnlyDuplicates: (only: boolean) => void;
}

/** Searches a set by name, finds its duplicates, and holds a part of it out. */
export function SetTools(props: SetToolsProps) {
  const { set, shown, duplicates, query, onQuery, onlyDuplicates, onOnlyDuplicates } = props;
  const looking = useImages((state) => state.looking);
  const { cancelLooking, lookForDuplicates, split } = useImages.getState();
  const [share, setShare] = useState<string | number>(20);
  const [seed, setSeed] = useState<string | number>(0);
  const valid = Number(share) > 0 && Number(share) < 100 && Number.isInteger(Number(seed)) && seed !== '';
  return (
    <div className="set-tools">
      <TextInput
        size="xs"
        label="Search by name"
        leftSection={<IconSearch size={14} stroke={1.75} />}
        value={query}
        onChange={(event) => onQuery(event.currentTarget.value)}
      />
      {duplicates ? (
        <SegmentedControl
          size="xs"
          aria-label="Which images"
          value={onlyDuplicates ? 'duplicates' : 'all'}
          onChange={(value) => onOnlyDuplicates(value === 'duplicates')}
          data={[
            { value: 'all', label: 'All images' },
            { value: 'duplicates', label: formatPlural(duplicates.size, 'duplicate') },
          ]}
        />
      ) : (
        <Button
          size="xs"
          variant="default"
          disabled={looking.state === 'busy'}
          onClick={() => void lookForDuplicates(set)}
        >
          Find duplicates
        </Button>
      )}
      <NumberInput
        size="xs"
        label="Hold out, %"
        min={1}
        max={99}
        value={share}
        onChange={setShare}
        w="6.5rem"
      />
      <NumberInput size="xs" label="Seed" value={seed} onChange={setSeed} allowDecimal={false} w="6rem" />
      <Button
        size="xs"
        variant="default"
        disabled={!valid || looking.state === 'busy'}
        onClick={() => void split(set, { share: Number(share) / 100, seed: Number(seed) })}
      >
        Split the set
      </Button>
      {(query !== '' || onlyDuplicates) && <output>{formatPlural(shown, 'image')} found</output>}
      {looking.state === 'busy' && (
        <WorkProgress
          name="Comparing images"
          progress={looking.progress}
          cancelling={looking.cancelling}
          onCancel={() => void cancelLooking()}
        />
      )}
      {looking.state === 'failed' && (
        <Problem title="The images could not be compared">{looking.problem}</Problem>
      )}
    </div>
  );
}

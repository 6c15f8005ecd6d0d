import { Button, NativeSelect, TextInput } from '@mantine/core';
import { IconFileDownload, IconPackage } from '@tabler/icons-react';
import { officialPatterns } from '../../evaluation/mmvp.ts';
import { useImages } from '../images/store.ts';
import { baseName, formatPlural } from '../shared/format.ts';
import { Problem } from '../shared/Problem.tsx';
import { StoredImage } from '../shared/StoredImage.tsx';
import { saveArchive } from '../shared/save.ts';
import { type Review, useBlindPairs } from './blind-pairs-store.ts';

/** The pairs found, to be kept with two statements or discarded. */
export function PairReviews({ reviews }: { reviews: readonly Review[] }) {
  const problem = useBlindPairs((state) => state.exportProblem);
  const { benchmark } = useBlindPairs.getState();
  const open = reviews.filter(({ kept }) => kept !== false);
  const kept = reviews.filter((pair) => pair.kept === true).length;
  const discarded = reviews.length - open.length;

  async function save() {
    const files = await benchmark();
    if (files) await saveArchive('blind-pairs.zip', files);
  }

  async function use() {
    const files = await benchmark();
    if (files) await useImages.getState().addBenchmark(files, 'My blind pairs');
  }

  return (
    <section className="reviews" aria-label="Pairs to review">
      <header>
        <p className="reviews-count">
          {formatPlural(open.length - kept, 'pair')} to review, {kept} kept, {discarded} discarded
        </p>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconFileDownload size={15} stroke={1.75} />}
          disabled={kept === 0}
          onClick={() => void save()}
        >
          Save as benchmark
        </Button>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPackage size={15} stroke={1.75} />}
          disabled={kept === 0}
          onClick={() => void use()}
        >
          Add to Images
        </Button>
      </header>
      {problem !== null && <Problem title="The benchmark could not be made">{problem}</Problem>}
      <ul>
        {open.map((pair, i) => (
          <ReviewCard key={[pair.owner, ...pair.paths].join('\n')} pair={pair} number={i + 1} />
        ))}
      </ul>
    </section>
  );
}

function ReviewCard({ pair, number }: { pair: Review; number: number }) {
  const { write } = useBlindPairs.getState();
  const { owner, paths, alike, different, statements, kept, type } = pair;
  const written = statements.every((text) => text.trim() !== '');
  return (
    <li className={kept ? 'review review-kept' : 'review'} aria-label={`Pair ${number}`}>
      {([0, 1] as const).map((side) => (
        <div key={side} className="review-side">
          <StoredImage owner={owner} path={paths[side]} alt={baseName(paths[side])} />
          <TextInput
            size="xs"
            aria-label={`Statement ${side === 0 ? 'A' : 'B'} of pair ${number}`}
            placeholder={side === 0 ? 'a dog facing left' : 'a dog facing right'}
            value={statements[side]}
            onChange={(event) => {
              const text = event.currentTarget.value;
              write(pair, { statements: side === 0 ? [text, statements[1]] : [statements[0], text] });
            }}
          />
        </div>
      ))}
      <div className="review-decision">
        <p>
          alike {alike.toFixed(3)}, different {different.toFixed(3)}
        </p>
        <NativeSelect
          size="xs"
          aria-label={`Pattern of pair ${number}`}
          value={type}
          data={[...officialPatterns]}
          onChange={(event) => write(pair, { type: event.currentTarget.value })}
        />
        <div className="review-buttons">
          <Button
            size="xs"
            disabled={!written || kept === true}
            aria-label={`Keep pair ${number}`}
            onClick={() => write(pair, { kept: true })}
          >
            {kept ? 'Kept' : 'Keep'}
          </Button>
          <Button
            size="xs"
            variant="default"
            aria-label={`Discard pair ${number}`}
            onClick={() => write(pair, { kept: false })}
          >
            Discard
          </Button>
        </div>
      </div>
    </li>
  );
}

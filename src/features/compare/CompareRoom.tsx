import { useEffect } from 'react';
import { useCheckpoints } from '../checkpoints/store.ts';
import { useImages } from '../images/store.ts';
import { useModels } from '../models/store.ts';
import { BenchmarkDrop } from '../shared/BenchmarkDrop.tsx';
import { EmptyState } from '../shared/EmptyState.tsx';
import { LinkButton } from '../shared/LinkButton.tsx';
import { Panel, RoomHead } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { WorkProgress } from '../shared/WorkProgress.tsx';
import { CompareSetup } from './CompareSetup.tsx';
import { Results } from './Results.tsx';
import { reportOf, type Stage, sameWeights, useCompare } from './store.ts';
import './compare.css';

const stages: Record<Stage, string> = {
  before: 'Scoring the first weights',
  after: 'Scoring the second weights',
  compare: 'Comparing pair by pair',
};

/** Two sets of weights side by side on one benchmark. */
export function CompareRoom() {
  const { work, stage, comparison, before, after, reports } = useCompare();
  const anyWeights = useModels((state) => state.encoders.length > 0);
  const anyCheckpoints = useCheckpoints((state) => state.checkpoints.length > 0);
  const benchmarks = useImages((state) => state.benchmarks);
  const benchmark = useImages((state) => state.benchmark);
  const { cancel, run } = useCompare.getState();

  // What was scored before needs no click.
  const known =
    before !== null &&
    after !== null &&
    benchmark !== null &&
    reportOf(reports, before, benchmark) !== undefined &&
    reportOf(reports, after, benchmark) !== undefined;
  const shown =
    comparison !== null &&
    before !== null &&
    after !== null &&
    comparison.before.benchmark === benchmark &&
    sameWeights(comparison.before.weights, before) &&
    sameWeights(comparison.after.weights, after);
  useEffect(() => {
    if (known && !shown && benchmark && useCompare.getState().work.state !== 'busy') void run(benchmark);
  }, [known, shown, benchmark, run]);

  return (
    <>
      <RoomHead
        title="Compare"
        note="MMVP asks which of two look-alike images each of two statements belongs to. A pair counts when both statements go to their own image; guessing scores 25."
      />
      {!anyWeights && !anyCheckpoints ? (
        <NothingToCompare />
      ) : (
        <div className="compare">
          <CompareSetup />
          {benchmarks.length === 0 && <BenchmarkNeeded />}
          {work.state === 'failed' && (
            <Problem title="The comparison could not be made">{work.problem}</Problem>
          )}
          {work.state === 'busy' && (
            <Panel title="Scoring">
              <WorkProgress
                name={stages[stage]}
                progress={work.progress}
                cancelling={work.cancelling}
                onCancel={() => void cancel()}
              />
            </Panel>
          )}
          {comparison && !shown && work.state !== 'busy' && (
            <Problem tone="caution" title="This is not what is chosen above">
              The result below belongs to an earlier choice. Press Compare to score the present one.
            </Problem>
          )}
          {comparison && <Results comparison={comparison} stale={work.state === 'busy' || !shown} />}
          {!comparison && work.state !== 'busy' && benchmarks.length > 0 && (
            <Waiting anyCheckpoints={anyCheckpoints} />
          )}
        </div>
      )}
    </>
  );
}

function NothingToCompare() {
  return (
    <Panel title="Nothing to compare yet">
      <EmptyState
        title="A comparison needs two sets of weights"
        actions={
          <>
            <LinkButton href="/">Try the demo</LinkButton>
            <LinkButton href="/models" variant="default">
              Add an encoder
            </LinkButton>
          </>
        }
      >
        Load an encoder, refine it, and come back: this page then shows, pattern by pattern, which confusions
        the feedback mended, which it caused, and whether the difference is more than luck.
      </EmptyState>
    </Panel>
  );
}

function BenchmarkNeeded() {
  const work = useImages((state) => state.addingBenchmark);
  const { addBenchmark, addBuiltInBenchmark, failBenchmark } = useImages.getState();
  return (
    <Panel
      title="A benchmark is needed"
      note="135 pairs in nine patterns is the official form; other sizes work too."
    >
      <BenchmarkDrop
        work={work}
        narrow={false}
        filled={false}
        onFiles={(files) => void addBenchmark(files)}
        onBuiltIn={() => void addBuiltInBenchmark()}
        onProblem={failBenchmark}
      />
    </Panel>
  );
}

function Waiting({ anyCheckpoints }: { anyCheckpoints: boolean }) {
  return (
    <Panel title="Result">
      <EmptyState
        title={anyCheckpoints ? 'Choose two weights and press Compare' : 'Only the original so far'}
        actions={anyCheckpoints ? undefined : <LinkButton href="/refine">Refine it</LinkButton>}
      >
        {anyCheckpoints
          ? 'Scores that were made before are used again. A new one takes a pass over all images and statements.'
          : 'There is no checkpoint to compare it with. Compare the original with itself to see where it is blind, or refine it first.'}
      </EmptyState>
    </Panel>
  );
}

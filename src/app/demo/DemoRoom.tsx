import { Button } from '@mantine/core';
import { useEffect } from 'react';
import { Link } from 'wouter';
import { useCompare } from '../../features/compare/store.ts';
import { useImages } from '../../features/images/store.ts';
import { RunReadings } from '../../features/refine/RunReadings.tsx';
import { useRefine } from '../../features/refine/store.ts';
import { EmptyState } from '../../features/shared/EmptyState.tsx';
import { baseName } from '../../features/shared/format.ts';
import { Panel, RoomHead } from '../../features/shared/Panel.tsx';
import { Problem } from '../../features/shared/Problem.tsx';
import { StoredImage } from '../../features/shared/StoredImage.tsx';
import { WorkProgress } from '../../features/shared/WorkProgress.tsx';
import { DemoOutcome } from './DemoOutcome.tsx';
import { DemoProgress } from './DemoProgress.tsx';
import { StudyTable } from './StudyTable.tsx';
import { useDemo, useLastCheckpoint } from './store.ts';
import { WatchedPairPanel } from './WatchedPairPanel.tsx';
import './demo.css';

/** Scenes shown of the set. */
const shown = 14;

/** The whole road on the built-in models, by itself: load, watch a confused pair while the run goes on, judge. */
export function DemoRoom() {
  const { at, failed, begin, judge } = useDemo();
  const run = useRefine((state) => state.runs.find(({ watched }) => watched !== undefined));
  const comparison = useCompare((state) => state.comparison);
  const work = useCompare((state) => state.work);
  const last = useLastCheckpoint(run?.id);
  const judged =
    last !== undefined &&
    comparison?.after.weights.kind === 'checkpoint' &&
    comparison.after.weights.id === last.id;
  const ripe = run?.state === 'finished' && last !== undefined && !judged && at === null;
  const idle = work.state === 'idle';

  useEffect(() => {
    if (ripe && run && idle) void judge(run);
  }, [ripe, run, idle, judge]);

  const fresh = at !== null || failed !== null;
  return (
    <div className="demo">
      <RoomHead
        title="Demo"
        note="A small CLIP that overlooks what CLIP overlooks, refined here with feedback from a small diffusion model."
      >
        {run?.state === 'finished' && at === null && (
          <Button variant="default" onClick={() => void begin()}>
            Run it again
          </Button>
        )}
      </RoomHead>
      {judged && !fresh && comparison && <DemoOutcome comparison={comparison} />}
      {fresh && (
        <div className="demo-loading">
          <DemoProgress />
          {failed !== null && <Button onClick={() => void begin()}>Try the demo again</Button>}
        </div>
      )}
      {run?.state === 'failed' && (
        <Problem title={`The run failed at step ${run.step}`}>
          {run.problem ?? 'The engine gave no reason.'} Run it again, or see it in the{' '}
          <Link href="/refine">Refine room</Link>.
        </Problem>
      )}
      {ripe && work.state === 'busy' && (
        <WorkProgress name="Scoring the refined encoder on every pair" progress={work.progress} />
      )}
      {ripe && work.state === 'failed' && (
        <Problem title="The refined encoder could not be scored">{work.problem}</Problem>
      )}
      {run?.watched && <WatchedPairPanel pair={run.watched} last={run.config.steps} />}
      {run && (
        <Panel title="The run" note={<RunNote run={run.id} />}>
          <RunReadings run={run} />
        </Panel>
      )}
      <Scenes />
      {run || fresh ? (
        <StudyTable />
      ) : (
        <EmptyState
          title="The demo has not run here"
          actions={<Button onClick={() => void begin()}>Try the demo</Button>}
        >
          It loads two small models and some scenes, which come with the app, and runs by itself.
        </EmptyState>
      )}
    </div>
  );
}

function RunNote({ run }: { run: string }) {
  return (
    <>
      Every setting, curve and control is in the{' '}
      <Link href="/refine" onClick={() => useRefine.getState().view(run)}>
        Refine room
      </Link>
      .
    </>
  );
}

/** Some of the pictures that the run learns from. */
function Scenes() {
  const set = useImages((state) => state.set);
  const count = useImages((state) => state.sets.find(({ id }) => id === state.set)?.count);
  const paths = useImages((state) => (set === null ? undefined : state.paths[set]));
  const loadPaths = useImages((state) => state.loadPaths);
  useEffect(() => {
    if (set !== null) void loadPaths(set);
  }, [set, loadPaths]);
  if (set === null || !paths) return null;
  const every = Math.max(1, Math.floor(paths.length / shown));
  return (
    <Panel
      title="The scenes it learns from"
      note={`${Math.min(shown, paths.length)} of ${count}. Nobody tells it what they show.`}
    >
      <ul className="demo-scenes">
        {paths
          .filter((_, index) => index % every === 0)
          .slice(0, shown)
          .map((path) => (
            <li key={path}>
              <StoredImage owner={set} path={path} alt={baseName(path)} />
            </li>
          ))}
      </ul>
    </Panel>
  );
}

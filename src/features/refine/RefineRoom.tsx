import { Button, Skeleton } from '@mantine/core';
import { RoomHead } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { NewRun } from './NewRun.tsx';
import { RunList } from './RunList.tsx';
import { RunView } from './RunView.tsx';
import { useRefine } from './store.ts';
import './refine.css';

/** Where a run is set up, watched and controlled. */
export function RefineRoom() {
  const state = useRefine((refine) => refine.state);
  const problem = useRefine((refine) => refine.problem);
  const run = useRefine((refine) => refine.runs.find(({ id }) => id === refine.run));
  const anyRuns = useRefine((refine) => refine.runs.length > 0);
  return (
    <>
      <RoomHead
        title="Refine"
        note="The teacher denoises each image while looking at it through the encoder’s tokens. What it fails to reconstruct tells the encoder what it overlooked."
      />
      {state === 'loading' && (
        <div className="refine-grid" role="status" aria-label="Reading the runs">
          <Skeleton height={220} />
          <Skeleton height={420} />
        </div>
      )}
      {state === 'failed' && (
        <Problem
          title="The runs of earlier visits could not be read"
          actions={
            <Button size="xs" variant="default" onClick={() => void useRefine.getState().restore()}>
              Try again
            </Button>
          }
        >
          {problem}
        </Problem>
      )}
      {state === 'ready' && (
        <div className={anyRuns ? 'refine-grid' : 'refine-grid refine-grid-first'}>
          {anyRuns && <RunList />}
          <div className="refine-main">{run ? <RunView run={run} key={run.id} /> : <NewRun />}</div>
        </div>
      )}
    </>
  );
}

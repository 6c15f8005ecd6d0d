import { Button, Skeleton } from '@mantine/core';
import { EmptyState } from '../shared/EmptyState.tsx';
import { LinkButton } from '../shared/LinkButton.tsx';
import { Panel, RoomHead } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { CheckpointTable } from './CheckpointTable.tsx';
import { DownloadPanel } from './DownloadPanel.tsx';
import { StorageBar } from './StorageBar.tsx';
import { useCheckpoints } from './store.ts';
import './checkpoints.css';

/** What runs have written: score it, compare it, take it away, or clear it. */
export function CheckpointsRoom() {
  const { state, problem, checkpoints, deleteProblem } = useCheckpoints();
  return (
    <>
      <RoomHead
        title="Checkpoints"
        note="Weights, optimiser state and the place in the random streams, kept in this browser. Choose by held-out loss or by another benchmark, not by the one you report."
      />
      <div className="checkpoints">
        <StorageBar />
        {deleteProblem !== null && (
          <Problem title="The checkpoint could not be deleted">{deleteProblem}</Problem>
        )}
        {state === 'loading' && (
          <div role="status" aria-label="Reading the checkpoints">
            <Skeleton height={240} />
          </div>
        )}
        {state === 'failed' && (
          <Problem
            title="The checkpoints could not be read"
            actions={
              <Button size="xs" variant="default" onClick={() => void useCheckpoints.getState().restore()}>
                Try again
              </Button>
            }
          >
            {problem}
          </Problem>
        )}
        {state === 'ready' && checkpoints.length === 0 && (
          <Panel title="No checkpoints yet">
            <EmptyState
              title="A run leaves one every so many steps, and one at its end"
              actions={
                <>
                  <LinkButton href="/refine">Start a run</LinkButton>
                  <LinkButton href="/" variant="default">
                    Try the demo
                  </LinkButton>
                </>
              }
            >
              From here a refined encoder leaves as ONNX, with the names of the file it came from, and as
              safetensors with Hugging Face names.
            </EmptyState>
          </Panel>
        )}
        {state === 'ready' && checkpoints.length > 0 && (
          <>
            <CheckpointTable />
            <DownloadPanel />
          </>
        )}
      </div>
    </>
  );
}

import type { RunState, RunSummary } from '../../../workers/protocol.ts';
import { isOver } from './run-events.ts';
import { useRefine } from './store.ts';

const labels: Record<RunState, string> = {
  preparing: 'Preparing',
  running: 'Running',
  paused: 'Paused',
  finished: 'Finished',
  stopped: 'Stopped',
  failed: 'Failed',
};

/** Whether the run was under way when an earlier visit ended: it needs resuming. */
export function useInterrupted(run: RunSummary): boolean {
  const followed = useRefine((state) => state.live[run.id] !== undefined);
  return !followed && !isOver(run.state);
}

export function RunStateBadge({ run }: { run: RunSummary }) {
  const interrupted = useInterrupted(run);
  const look = interrupted ? 'paused' : run.state;
  return (
    <span className={`run-state run-state-${look}`} data-testid="run-state">
      <span aria-hidden="true" />
      {interrupted ? 'Interrupted' : labels[run.state]}
    </span>
  );
}

import type { RunSummary } from '../../../workers/protocol.ts';
import { useImages } from '../images/store.ts';
import { useModels } from '../models/store.ts';
import { formatMoment } from '../shared/format.ts';
import { Problem } from '../shared/Problem.tsx';
import { providerNames } from '../shared/provider.ts';
import { WorkProgress } from '../shared/WorkProgress.tsx';
import { RunCharts } from './RunCharts.tsx';
import { RunControls } from './RunControls.tsx';
import { RunDifference } from './RunList.tsx';
import { RunNext } from './RunNext.tsx';
import { RunReadings } from './RunReadings.tsx';
import { RunStateBadge, useInterrupted } from './RunStateBadge.tsx';
import { useRefine } from './store.ts';
import { WebGpuCheckPanel } from './WebGpuCheckPanel.tsx';
import './run-view.css';

/** One run: what it is, how far, its curves, and what can be done with it. */
export function RunView({ run }: { run: RunSummary }) {
  const live = useRefine((state) => state.live[run.id]);
  const controlProblem = useRefine((state) => state.controlProblem);
  const interrupted = useInterrupted(run);
  return (
    <article className="run-view" aria-label={run.name}>
      <header className="run-view-head">
        <div>
          <div className="run-view-title">
            <h2>{run.name}</h2>
            <RunStateBadge run={run} />
          </div>
          <RunDifference run={run} />
          <RunOrigin run={run} />
        </div>
        <RunControls run={run} />
      </header>
      {run.state === 'failed' && (
        <Problem title={`The run failed at step ${run.step}`}>
          {run.problem ??
            'The engine gave no reason. Resume it from the last checkpoint, or start a new run.'}
        </Problem>
      )}
      {controlProblem !== null && <Problem title="That did not work">{controlProblem}</Problem>}
      {interrupted && (
        <Problem tone="caution" title={`Interrupted at step ${run.step}`}>
          The page was closed or loaded again while this run was under way. Resume goes on from its last
          checkpoint with the same random draws, so the curve continues as if nothing had happened.
        </Problem>
      )}
      {run.state === 'preparing' && !interrupted && (
        <div className="run-view-preparing">
          <WorkProgress name="Preparing the run" progress={live?.progress ?? null} />
          <p>
            Building the training graph, its backward pass and the session. The first step is slow as well:
            that is when kernels are compiled.
          </p>
        </div>
      )}
      <RunReadings run={run} />
      {(run.state === 'finished' || run.state === 'stopped') && <RunNext run={run} />}
      <RunCharts run={run} />
      <WebGpuCheckPanel run={run} />
    </article>
  );
}

/** "clip-tiny with diffusion-tiny on Demo scenes, WebAssembly, 24 Nov, 14:05" */
function RunOrigin({ run }: { run: RunSummary }) {
  const encoder = useModels(
    (state) => state.encoders.find(({ id }) => id === run.encoder)?.name ?? run.encoder,
  );
  const teacher = useModels(
    (state) => state.teachers.find(({ id }) => id === run.teacher)?.name ?? run.teacher,
  );
  const set = useImages((state) => state.sets.find(({ id }) => id === run.imageSet)?.name ?? run.imageSet);
  return (
    <p className="run-origin">
      <b>{encoder}</b> taught by <b>{teacher}</b> on <b>{set}</b>, {providerNames[run.provider]},{' '}
      {formatMoment(run.createdAt)}
    </p>
  );
}

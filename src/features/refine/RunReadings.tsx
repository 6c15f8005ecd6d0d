import type { RunSummary } from '../../../workers/protocol.ts';
import { formatCount, formatDuration, formatMilliseconds, formatQuantity } from '../shared/format.ts';
import { Reading, Readings } from '../shared/SpecList.tsx';
import { isOver } from './run-events.ts';
import { median, smooth, smoothingFor } from './series.ts';
import { useRefine } from './store.ts';

/** The run in a few figures, and how far it is. */
export function RunReadings({ run }: { run: RunSummary }) {
  const left = useRefine((state) => state.live[run.id]?.secondsLeft ?? null);
  const { steps, config } = run;
  const losses = smooth(
    steps.map(({ step, loss }) => ({ step, value: loss })),
    smoothingFor(config.steps),
  );
  const loss = losses.at(-1)?.value;
  // The mean of the first tenth as the level that it started from: single steps are noise.
  const tenth = Math.max(3, Math.round(config.steps / 10));
  const start = steps.length > tenth ? mean(steps.slice(0, tenth).map((each) => each.loss)) : undefined;
  const last = steps.at(-1);
  const done = (100 * run.step) / config.steps;
  const spent = steps.reduce((sum, { ms }) => sum + ms, 0) / 1000;

  return (
    <div className="run-readings">
      <div
        className="run-bar"
        role="progressbar"
        aria-label="Steps done"
        aria-valuemin={0}
        aria-valuemax={config.steps}
        aria-valuenow={run.step}
        aria-valuetext={`${run.step} of ${config.steps} steps${left === null ? '' : `, ${formatDuration(left)} left`}`}
      >
        <div className={`run-bar-fill run-bar-${run.state}`} style={{ width: `${done}%` }} />
      </div>
      <Readings>
        <Reading name="Step" value={run.step} note={`of ${config.steps}`} />
        <Reading
          name={isOver(run.state) ? 'Time spent' : 'Time left'}
          value={
            isOver(run.state)
              ? steps.length > 0
                ? formatDuration(spent)
                : '–'
              : left === null
                ? '–'
                : formatDuration(left)
          }
        />
        <Reading
          name="Loss, smoothed"
          value={loss === undefined ? '–' : loss.toFixed(4)}
          note={start === undefined ? undefined : `from ${start.toFixed(4)}`}
        />
        <Reading
          name="Step time"
          value={steps.length > 0 ? formatMilliseconds(median(steps.slice(-20).map(({ ms }) => ms))) : '–'}
          note="median of 20"
        />
        <Reading name="Learning rate" value={last ? formatQuantity(last.learningRate) : '–'} />
        <Reading
          name="Images seen"
          value={formatCount(run.step * config.batchSize * config.accumulate)}
          note={config.drawsPerImage > 1 ? `× ${config.drawsPerImage} draws` : undefined}
        />
        {last?.lossScale !== undefined && (
          <Reading
            name="Loss scale"
            value={formatCount(last.lossScale)}
            note={`${formatCount(last.skipped ?? 0)} updates skipped`}
          />
        )}
      </Readings>
    </div>
  );
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

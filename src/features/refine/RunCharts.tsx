import { useMemo } from 'react';
import type { RunSummary, StepRecord } from '../../../workers/protocol.ts';
import { useCheckpoints } from '../checkpoints/store.ts';
import { formatMeasure, formatMilliseconds } from '../shared/format.ts';
import { Curve } from './Curve.tsx';
import { type Point, smoothingFor } from './series.ts';

/** The run's four curves over its whole length: what is still to come stays blank. */
export function RunCharts({ run }: { run: RunSummary }) {
  const all = useCheckpoints((state) => state.checkpoints);
  const marks = useMemo(
    () => all.filter((each) => each.run === run.id).map(({ step }) => step),
    [all, run.id],
  );
  const { steps } = run;
  const last = run.config.steps;
  const smoothing = smoothingFor(last);
  return (
    <div className="run-charts">
      <Curve
        title="Loss"
        note="Every step draws its own noise and timesteps: read the smoothed line. Dotted lines are checkpoints."
        points={pointsOf(steps, 'loss')}
        last={last}
        weight={smoothing}
        format={(value) => value.toFixed(4)}
        marks={marks}
        tall
      />
      <Curve
        title="Step time"
        note="Without the first, which compiles."
        points={pointsOf(steps.length > 2 ? steps.slice(1) : steps, 'ms')}
        last={last}
        weight={smoothing}
        format={formatMilliseconds}
        fromZero
      />
      <Curve
        title="Gradient norm"
        note="Before clipping."
        points={pointsOf(steps, 'gradientNorm')}
        last={last}
        weight={smoothing}
        format={formatMeasure}
        fromZero
      />
      {steps.some(({ drift }) => drift !== undefined) && (
        <Curve
          title="Drift"
          note="Of the weights from the start, L2."
          points={pointsOf(steps, 'drift')}
          last={last}
          weight={0}
          format={formatMeasure}
          fromZero
        />
      )}
    </div>
  );
}

function pointsOf(steps: readonly StepRecord[], key: 'loss' | 'ms' | 'gradientNorm' | 'drift'): Point[] {
  return steps.flatMap(({ step, [key]: value }) => (value === undefined ? [] : [{ step, value }]));
}

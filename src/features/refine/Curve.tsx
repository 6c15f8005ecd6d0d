import { LineChart } from '@mantine/charts';
import { useId } from 'react';
import { evenTicks, type Point, smooth, thin } from './series.ts';

interface CurveProps {
  title: string;
  note: string;
  points: readonly Point[];
  /** Last step of the run: the axis spans all of it from the start. */
  last: number;
  /** Smoothing in [0, 1); 0 draws the values alone. */
  weight: number;
  format: (value: number) => string;
  /** Steps to mark on the axis. */
  marks?: readonly number[];
  fromZero?: boolean;
  tall?: boolean;
}

/** Points drawn at most: more than this no screen tells apart, and drawing slows the page. */
const drawn = 320;

/** A measured quantity over steps: thin raw line, bold smoothed one. */
export function Curve({
  title,
  note,
  points,
  last,
  weight,
  format,
  marks = [],
  fromZero = false,
  tall = false,
}: CurveProps) {
  const heading = useId();
  const raw = thin(
    points.filter(({ value }) => Number.isFinite(value)),
    drawn,
  );
  const smoothed = new Map(smooth(points, weight).map(({ step, value }) => [step, value]));
  const data = raw.map(({ step, value }) => ({ step, raw: value, smoothed: smoothed.get(step) ?? value }));
  const latest = data.at(-1);
  const series =
    weight > 0
      ? [
          { name: 'raw', label: 'Each step', color: 'var(--before)' },
          { name: 'smoothed', label: 'Smoothed', color: 'var(--lens)' },
        ]
      : [{ name: 'raw', label: title, color: 'var(--lens)' }];

  return (
    <figure className={tall ? 'curve curve-tall' : 'curve'} aria-labelledby={heading}>
      <figcaption>
        <span className="curve-title" id={heading}>
          {title}
        </span>
        <span className="curve-note">{note}</span>
        <span className="curve-value">
          {latest ? format(weight > 0 ? latest.smoothed : latest.raw) : '–'}
        </span>
      </figcaption>
      {data.length === 0 ? (
        <p className="curve-empty">The curve begins with the first step.</p>
      ) : (
        <LineChart
          h={tall ? 240 : 150}
          data={data}
          dataKey="step"
          series={series}
          curveType="linear"
          withDots={data.length === 1}
          strokeWidth={2}
          gridAxis="x"
          tickLine="none"
          strokeDasharray="0"
          gridColor="var(--line)"
          textColor="var(--ink-3)"
          valueFormatter={(value) => format(value)}
          xAxisProps={{ type: 'number', domain: [0, last], ticks: evenTicks(last), tickMargin: 6 }}
          yAxisProps={{
            domain: fromZero ? [0, 'auto'] : ['auto', 'auto'],
            width: 62,
            tickCount: tall ? 5 : 4,
            tickMargin: 4,
          }}
          referenceLines={marks.map((x) => ({ x, color: 'var(--edge)', strokeDasharray: '1 4' }))}
          lineProps={(line) => ({
            isAnimationActive: false,
            strokeWidth: line.name === 'raw' && weight > 0 ? 1 : 2,
            strokeOpacity: line.name === 'raw' && weight > 0 ? 0.55 : 1,
          })}
          tooltipAnimationDuration={0}
        />
      )}
    </figure>
  );
}

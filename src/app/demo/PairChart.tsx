import { LineChart } from '@mantine/charts';
import type { WatchedPair } from '../../../workers/protocol.ts';
import { evenTicks } from '../../features/refine/series.ts';
import { formatSigned } from '../../features/shared/format.ts';

/** How much nearer each statement is to its own picture than to the other, over the steps: above zero is right. */
export function PairChart({ pair, last }: { pair: WatchedPair; last: number }) {
  const data = pair.points.map(({ step, similarities: [a, b] }) => ({
    step,
    A: a[0] - a[1],
    B: b[1] - b[0],
  }));
  const reach = Math.max(0.02, ...data.flatMap(({ A, B }) => [Math.abs(A), Math.abs(B)]));
  return (
    <figure className="pair-chart" aria-label="Similarities of the pair, step by step">
      <LineChart
        h={290}
        data={data}
        dataKey="step"
        series={[
          { name: 'A', label: 'Statement A', color: 'var(--lens)' },
          { name: 'B', label: 'Statement B', color: 'var(--chance)' },
        ]}
        curveType="monotone"
        withDots={data.length === 1}
        strokeWidth={2.5}
        gridAxis="none"
        tickLine="none"
        textColor="var(--ink-3)"
        valueFormatter={(value) => formatSigned(value, 3)}
        xAxisProps={{ type: 'number', domain: [0, last], ticks: evenTicks(last), tickMargin: 6 }}
        yAxisProps={{ domain: [-1.15 * reach, 1.15 * reach], width: 62, tickCount: 5, tickMargin: 4 }}
        referenceLines={[{ y: 0, color: 'var(--edge)', label: 'above: right, below: confused' }]}
        lineProps={{ isAnimationActive: false }}
        tooltipAnimationDuration={0}
      />
      <figcaption>
        Cosine with its own picture minus cosine with the other. The pair counts when both lines end above
        zero.
      </figcaption>
    </figure>
  );
}

import { BarChart } from '@mantine/charts';
import type { PatternRow } from './pairs.ts';

/** What guessing scores: each of two statements has an even chance, and both must be right. */
const chance = 25;

/** Before and after side by side, pattern by pattern, against the line of chance. */
export function PatternChart({ rows }: { rows: readonly PatternRow[] }) {
  return (
    <figure className="pattern-chart">
      <figcaption>
        <span className="key key-before">Before</span>
        <span className="key key-after">After</span>
        <span className="key key-chance">Chance, {chance}</span>
      </figcaption>
      <BarChart
        h={rows.length * 40 + 30}
        data={rows.map(({ name, before, after }) => ({ name, before, after }))}
        dataKey="name"
        orientation="vertical"
        series={[
          { name: 'before', label: 'Before', color: 'var(--before)' },
          { name: 'after', label: 'After', color: 'var(--after)' },
        ]}
        gridAxis="y"
        strokeDasharray="0"
        gridColor="var(--line)"
        textColor="var(--ink-3)"
        tickLine="none"
        valueFormatter={(value) => value.toFixed(1)}
        barProps={{ isAnimationActive: false, radius: 1 }}
        maxBarWidth={11}
        barChartProps={{ barGap: 2, barCategoryGap: '24%' }}
        xAxisProps={{ domain: [0, 100], ticks: [0, 25, 50, 75, 100], type: 'number', tickFormatter: String }}
        yAxisProps={{ width: 150, tick: { fontSize: 12, fill: 'var(--ink-2)' }, interval: 0 }}
        referenceLines={[{ x: chance, color: 'var(--chance)', strokeDasharray: '4 3', strokeWidth: 1.5 }]}
        tooltipAnimationDuration={0}
      />
    </figure>
  );
}

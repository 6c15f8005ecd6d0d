import { formatSigned } from '../shared/format.ts';

interface IntervalBarProps {
  /** Points of the total. */
  difference: number;
  interval: readonly [number, number];
}

/** The difference with its 95% interval on a scale that shows zero: an interval over zero proves nothing. */
export function IntervalBar({ difference, interval: [low, high] }: IntervalBarProps) {
  const reach = Math.max(5, Math.ceil(Math.max(Math.abs(low), Math.abs(high)) / 5) * 5);
  const x = (value: number) => 18 + ((value + reach) / (2 * reach)) * 264;
  const ticks = [-reach, -reach / 2, 0, reach / 2, reach];
  const tone = low > 0 ? ' interval-gain' : high < 0 ? ' interval-loss' : '';
  return (
    <svg
      className={`interval${tone}`}
      viewBox="0 0 300 64"
      role="img"
      aria-label={`Difference ${formatSigned(difference)} points, 95% interval ${formatSigned(low)} to ${formatSigned(high)}`}
    >
      <line className="interval-axis" x1={x(-reach)} x2={x(reach)} y1={40} y2={40} />
      {ticks.map((tick) => (
        <g key={tick}>
          <line className="interval-axis" x1={x(tick)} x2={x(tick)} y1={37} y2={43} />
          <text className="interval-tick" x={x(tick)} y={58} textAnchor="middle">
            {formatSigned(tick, Number.isInteger(tick) ? 0 : 1)}
          </text>
        </g>
      ))}
      <line className="interval-zero" x1={x(0)} x2={x(0)} y1={6} y2={40} />
      <line className="interval-bar" x1={x(low)} x2={x(high)} y1={22} y2={22} />
      <line className="interval-bar" x1={x(low)} x2={x(low)} y1={16} y2={28} />
      <line className="interval-bar" x1={x(high)} x2={x(high)} y1={16} y2={28} />
      <circle className="interval-dot" cx={x(difference)} cy={22} r={5.5} />
    </svg>
  );
}

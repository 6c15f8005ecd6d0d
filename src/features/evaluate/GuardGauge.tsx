import type { ZeroShotGuard } from '../../evaluation/verdicts.ts';
import { formatSigned } from '../shared/format.ts';

/** What refining cost of zero-shot accuracy, on a scale with the accepted loss marked. */
export function GuardGauge({ guard }: { guard: ZeroShotGuard }) {
  const { change, threshold, passed, verdict } = guard;
  const reach = Math.max(4 * threshold, Math.ceil(Math.abs(change) + 1));
  const x = (value: number) => 16 + ((value + reach) / (2 * reach)) * 228;
  const needle = x(Math.max(-reach, Math.min(reach, change)));
  return (
    <figure className={`guard ${passed ? 'guard-passed' : 'guard-failed'}`}>
      <figcaption>
        <span>Zero-shot guard</span>
        <strong>{passed ? 'held' : 'broken'}</strong>
      </figcaption>
      <svg viewBox="0 0 260 56" role="img" aria-label={verdict}>
        <rect className="guard-lost" x={x(-reach)} width={x(-threshold) - x(-reach)} y={18} height={10} />
        <rect className="guard-kept" x={x(-threshold)} width={x(reach) - x(-threshold)} y={18} height={10} />
        <line className="guard-threshold" x1={x(-threshold)} x2={x(-threshold)} y1={12} y2={34} />
        <text className="guard-tick" x={x(-threshold)} y={48} textAnchor="middle">
          {formatSigned(-threshold)}
        </text>
        <line className="guard-needle" x1={needle} x2={needle} y1={6} y2={38} />
      </svg>
      <p>{verdict}</p>
    </figure>
  );
}

import type { Comparison } from '../../../workers/protocol.ts';
import { formatPValue, formatSigned } from '../shared/format.ts';
import { IntervalBar } from './IntervalBar.tsx';

/** What changed in one sentence, and the figures it rests on. */
export function Verdict({ comparison }: { comparison: Comparison }) {
  const { before, after, fixed, broken, pValue, interval, verdict } = comparison;
  const difference = after.total - before.total;
  return (
    <section className="verdict" aria-label="Verdict">
      <div className="verdict-scores">
        <div>
          <p className="verdict-label">Before</p>
          <p className="verdict-score">{before.total.toFixed(1)}</p>
        </div>
        <span className="verdict-arrow" aria-hidden="true">
          →
        </span>
        <div>
          <p className="verdict-label">After</p>
          <p className="verdict-score verdict-after">{after.total.toFixed(1)}</p>
        </div>
      </div>
      <div className="verdict-body">
        <p className="verdict-sentence" data-testid="verdict">
          {verdict}
        </p>
        <dl className="verdict-figures">
          <div>
            <dt>Difference</dt>
            <dd>{formatSigned(difference)} points</dd>
          </div>
          <div>
            <dt>95% interval</dt>
            <dd>
              {formatSigned(interval[0])} to {formatSigned(interval[1])}
            </dd>
          </div>
          <div>
            <dt>Pairs fixed</dt>
            <dd className="verdict-fixed">{fixed}</dd>
          </div>
          <div>
            <dt>Pairs broken</dt>
            <dd className="verdict-broken">{broken}</dd>
          </div>
          <div>
            <dt>Exact McNemar</dt>
            <dd>{formatPValue(pValue)}</dd>
          </div>
        </dl>
      </div>
      <IntervalBar difference={difference} interval={interval} />
    </section>
  );
}

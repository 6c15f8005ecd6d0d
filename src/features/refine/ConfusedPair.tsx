import type { PairScore } from '../../../workers/protocol.ts';
import { reportOf, useCompare } from '../compare/store.ts';
import { useImages } from '../images/store.ts';
import { useModels } from '../models/store.ts';
import { decision } from '../shared/decision.ts';
import { Panel } from '../shared/Panel.tsx';
import { StoredImage } from '../shared/StoredImage.tsx';
import { confusedPair } from './confused-pair.ts';
import './confused-pair.css';

const letters = ['A', 'B'] as const;

/** A pair that the chosen encoder gets wrong as it came, once it has been scored. */
export function ConfusedPair() {
  const encoder = useModels((state) => state.encoder);
  const benchmark = useImages((state) => state.benchmark);
  const reports = useCompare((state) => state.reports);
  const report =
    encoder !== null && benchmark !== null
      ? reportOf(reports, { kind: 'original', encoder }, benchmark)
      : undefined;
  const pair = report && confusedPair(report);
  if (!report || !pair) return null;
  return (
    <Panel
      title="What it confuses now"
      note={`${pair.pattern}. MMVP before refining: ${report.total.toFixed(1)}, where guessing scores 25.`}
    >
      <div className="confused">
        {pair.images.map((path, image) => (
          <figure key={path}>
            <StoredImage owner={report.benchmark} path={path} alt={`Image ${letters[image]}`} />
            <figcaption>{letters[image]}</figcaption>
          </figure>
        ))}
        <Statements pair={pair} />
      </div>
    </Panel>
  );
}

function Statements({ pair }: { pair: PairScore }) {
  return (
    <ul>
      {pair.statements.map((statement, index) => {
        const given = decision(pair.similarities[index as 0 | 1]);
        return (
          <li key={statement} className={given === index ? undefined : 'confused-wrong'}>
            “{statement}”{' '}
            <span>
              given to {letters[given]}
              {given === index ? '' : `, belongs to ${letters[index]}`}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

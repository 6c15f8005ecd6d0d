import type { WatchedPair } from '../../../workers/protocol.ts';
import { decision } from '../../features/shared/decision.ts';
import { formatSigned } from '../../features/shared/format.ts';
import { Panel } from '../../features/shared/Panel.tsx';
import { StoredImage } from '../../features/shared/StoredImage.tsx';
import { PairChart } from './PairChart.tsx';

const letters = ['A', 'B'] as const;

/** Two look-alike pictures with their statements, and how the encoder tells them apart as the run goes on. */
export function WatchedPairPanel({ pair, last }: { pair: WatchedPair; last: number }) {
  const now = pair.points.at(-1)?.similarities;
  return (
    <Panel
      title="A pair that it confuses"
      note="Each statement belongs to the picture above it. The encoder gives it to the picture with the greater similarity."
      className="demo-pair"
    >
      <div className="demo-pair-body">
        <div className="demo-pair-pictures">
          {pair.images.map((path, index) => {
            const own = index as 0 | 1;
            const given = now && decision(now[own]);
            const right = given === own;
            const margin = now && now[own][own] - now[own][1 - own]!;
            return (
              <figure key={path} className="demo-picture">
                <StoredImage owner={pair.benchmark} path={path} alt={`Picture ${letters[own]}`} />
                <figcaption>
                  <b className={`demo-letter demo-letter-${letters[own]}`}>{letters[own]}</b>
                  <span>“{pair.statements[own]}”</span>
                  {given !== undefined && margin !== undefined && (
                    <span className={right ? 'demo-given demo-right' : 'demo-given demo-wrong'}>
                      {right ? 'given to its own picture' : `given to picture ${letters[given]}`} (
                      {formatSigned(margin, 3)})
                    </span>
                  )}
                </figcaption>
              </figure>
            );
          })}
        </div>
        <PairChart pair={pair} last={last} />
      </div>
    </Panel>
  );
}

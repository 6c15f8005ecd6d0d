import { ActionIcon } from '@mantine/core';
import { IconCheck, IconChevronLeft, IconChevronRight, IconX } from '@tabler/icons-react';
import type { PairScore } from '../../../workers/protocol.ts';
import { decision } from '../shared/decision.ts';
import { baseName, formatSigned } from '../shared/format.ts';
import { StoredImage } from '../shared/StoredImage.tsx';
import { OutcomeMark } from './OutcomeMark.tsx';
import { type ComparedPair, margin } from './pairs.ts';

interface PairDetailProps {
  pair: ComparedPair;
  owner: string;
  /** Such as "3 of 12". */
  position: string;
  onStep: (by: 1 | -1) => void;
}

const letters = ['A', 'B'] as const;

/** One pair in full: both images, both statements, and the similarities that decided, before and after. */
export function PairDetail({ pair, owner, position, onStep }: PairDetailProps) {
  const { before, after } = pair;
  return (
    <section className="pair-detail" aria-label={`Pair ${pair.index + 1}`}>
      <header>
        <div>
          <h3>Pair {pair.index + 1}</h3>
          <p>{before.pattern}</p>
        </div>
        <OutcomeMark outcome={pair.outcome} />
        <div className="pair-detail-steps">
          <span>{position}</span>
          <ActionIcon variant="default" aria-label="Previous pair" onClick={() => onStep(-1)}>
            <IconChevronLeft size={16} />
          </ActionIcon>
          <ActionIcon variant="default" aria-label="Next pair" onClick={() => onStep(1)}>
            <IconChevronRight size={16} />
          </ActionIcon>
        </div>
      </header>
      <div className="pair-images">
        {before.images.map((path, image) => (
          <figure key={path}>
            <StoredImage
              owner={owner}
              path={path}
              alt={`Image ${letters[image]}: ${before.statements[image]}`}
            />
            <figcaption>
              <b>{letters[image]}</b> {before.statements[image]}
              <code>{baseName(path)}</code>
            </figcaption>
          </figure>
        ))}
      </div>
      <div className="pair-matrices">
        <Similarities title="Before" score={before} />
        <Similarities title="After" score={after} />
      </div>
    </section>
  );
}

/** Statements by images; the chosen image of each statement is framed. */
function Similarities({ title, score }: { title: string; score: PairScore }) {
  return (
    <table className="similarities">
      <caption>
        {title}
        <span className={score.correct ? 'similarities-right' : 'similarities-wrong'}>
          {score.correct ? 'both right' : 'not solved'}
        </span>
      </caption>
      <thead>
        <tr>
          <td className="corner" />
          <th scope="col">Image A</th>
          <th scope="col">Image B</th>
          <th scope="col">Lead</th>
        </tr>
      </thead>
      <tbody>
        {score.statements.map((statement, row) => {
          const index = row as 0 | 1;
          const chosen = decision(score.similarities[index]);
          const right = chosen === index;
          return (
            <tr key={statement}>
              <th scope="row" title={statement}>
                Statement {letters[index]}
              </th>
              {score.similarities[index].map((similarity, image) => (
                <td
                  key={letters[image]}
                  className={image === chosen ? (right ? 'chosen chosen-right' : 'chosen chosen-wrong') : ''}
                >
                  {similarity.toFixed(4)}
                  {image === chosen && (
                    <>
                      {right ? (
                        <IconCheck size={13} stroke={2.5} aria-hidden="true" />
                      ) : (
                        <IconX size={13} stroke={2.5} aria-hidden="true" />
                      )}
                      <span className="visually-hidden">{right ? 'chosen, right' : 'chosen, wrong'}</span>
                    </>
                  )}
                </td>
              ))}
              <td className="lead">{formatSigned(margin(score, index), 4)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

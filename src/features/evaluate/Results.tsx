import { NativeSelect } from '@mantine/core';
import { useState } from 'react';
import { selectionWarning } from '../../evaluation/verdicts.ts';
import { formatDuration } from '../shared/format.ts';
import { Panel } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { ConfusionMatrix } from './ConfusionMatrix.tsx';
import { Differences } from './Differences.tsx';
import { Downloads } from './Downloads.tsx';
import { GuardGauge } from './GuardGauge.tsx';
import { IouPanel } from './IouPanel.tsx';
import { PerClass } from './PerClass.tsx';
import { RunsPanel } from './RunsPanel.tsx';
import { ScoreTable } from './ScoreTable.tsx';
import type { Shown } from './store.ts';

/** Scores side by side, what of the differences is more than luck, and where the models go wrong. */
export function Results({ shown }: { shown: Shown }) {
  const { results, comparisons, candidates } = shown;
  const warning = selectionWarning(candidates, 'this data');
  const warnings = [...new Set(results.flatMap((result) => result.warnings))];
  const seconds = results.reduce((sum, result) => sum + result.seconds, 0);
  return (
    <>
      <Panel
        title="Scores"
        note="In percent; the line of chance is what guessing scores."
        aside={
          <>
            <span>scored in {formatDuration(seconds)}</span>
            <Downloads shown={shown} />
          </>
        }
      >
        {warning && (
          <Problem tone="caution" title="Do not choose by these scores alone">
            {warning}.
          </Problem>
        )}
        {warnings.length > 0 && (
          <Problem tone="caution" title="Scored with warnings">
            <ul>
              {warnings.map((text) => (
                <li key={text}>{text}</li>
              ))}
            </ul>
          </Problem>
        )}
        <ScoreTable results={results} />
      </Panel>
      {comparisons.map((comparison, i) => {
        const { id, name } = results[i + 1]!;
        return (
          <Panel key={id} title={`${name} against ${results[0]!.name}`}>
            <div className="evaluate-against">
              {comparison.guard && <GuardGauge guard={comparison.guard} />}
              <Differences model={name} comparison={comparison} />
            </div>
          </Panel>
        );
      })}
      <RunsPanel results={results} />
      <IouPanel results={results} />
      {results.some(({ scores }) => scores.zeroShot) && <Classes results={results} />}
    </>
  );
}

function Classes({ results }: { results: Shown['results'] }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const result = results.find(({ id }) => id === chosen) ?? results.at(-1)!;
  const { zeroShot } = result.scores;
  if (!zeroShot) return null;
  return (
    <Panel
      title="Classes"
      note="What each image was taken for, zero-shot. Rows are the true classes, columns the predicted ones."
      aside={
        results.length > 1 && (
          <NativeSelect
            size="xs"
            aria-label="Model of the confusion matrix"
            value={result.id}
            data={results.map(({ id, name }) => ({ value: id, label: name }))}
            onChange={(event) => setChosen(event.currentTarget.value)}
          />
        )
      }
    >
      <div className="evaluate-classes">
        <ConfusionMatrix score={zeroShot} />
        <PerClass score={zeroShot} />
      </div>
    </Panel>
  );
}

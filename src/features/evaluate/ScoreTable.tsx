import { Table } from '@mantine/core';
import type { EvaluationResult } from '../../../workers/protocol.ts';
import { chanceAt } from '../../evaluation/evaluation.ts';
import { chanceScore } from '../../evaluation/mmvp.ts';
import { benchmarkName } from '../../evaluation/report/evaluation-report.ts';
import { WideTable } from './WideTable.tsx';

interface Row {
  name: string;
  /** Of each model; null where it was not scored. */
  values: (number | null)[];
  /** Standard deviation over seeds. */
  spreads?: (number | undefined)[];
  chance: number | null;
}

/** One row a measure, one column a model, guessing at the end. */
export function ScoreTable({ results }: { results: readonly EvaluationResult[] }) {
  return (
    <WideTable label="Scores">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Measure</Table.Th>
          {results.map(({ id, name }) => (
            <Table.Th key={id} className="figure">
              {name}
            </Table.Th>
          ))}
          <Table.Th className="figure">Chance</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rowsOf(results).map(({ name, values, spreads, chance }) => (
          <Table.Tr key={name}>
            <Table.Th scope="row">{name}</Table.Th>
            {values.map((value, i) => (
              <Table.Td key={results[i]!.id} className="figure">
                {value === null ? '–' : value.toFixed(1)}
                {spreads?.[i] !== undefined && (
                  <span className="evaluate-spread"> ± {spreads[i]!.toFixed(1)}</span>
                )}
              </Table.Td>
            ))}
            <Table.Td className="figure evaluate-chance">
              {chance === null ? '–' : chance.toFixed(1)}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

function rowsOf(results: readonly EvaluationResult[]): Row[] {
  const first = results[0]!.scores;
  const row = (
    name: string,
    chance: number | null,
    value: (result: EvaluationResult) => number | undefined,
  ) => ({
    name,
    chance,
    values: results.map((result) => value(result) ?? null),
  });
  const rows: Row[] = [];
  if (first.mmvp)
    rows.push(row(benchmarkName(first.mmvp.official), chanceScore, ({ scores }) => scores.mmvp?.total));
  if (first.divaStyle)
    rows.push({
      ...row(
        `${benchmarkName(first.divaStyle.official)}, DIVA-style`,
        chanceScore,
        ({ scores }) => scores.divaStyle?.total,
      ),
      spreads: results.map(({ scores }) => scores.divaStyle?.spread),
    });
  if (first.zeroShot) {
    const { length } = first.zeroShot.classes;
    rows.push(
      row('Zero-shot top-1', chanceAt(1, length), ({ scores }) => scores.zeroShot?.top1),
      row('Zero-shot top-5', chanceAt(5, length), ({ scores }) => scores.zeroShot?.top5),
      row('Zero-shot, mean per class', chanceAt(1, length), ({ scores }) => scores.zeroShot?.meanPerClass),
    );
  }
  if (first.retrieval) {
    const images = first.retrieval.imageToText.queries;
    const captions = first.retrieval.textToImage.queries;
    for (const k of [1, 5, 10] as const)
      rows.push(
        row(
          `Image to text R@${k}`,
          chanceAt(k, captions, captions / images),
          ({ scores }) => scores.retrieval?.imageToText[`at${k}`],
        ),
      );
    for (const k of [1, 5, 10] as const)
      rows.push(
        row(
          `Text to image R@${k}`,
          chanceAt(k, images),
          ({ scores }) => scores.retrieval?.textToImage[`at${k}`],
        ),
      );
  }
  if (first.segmentation) {
    const chance = chanceAt(1, first.segmentation.classes.length);
    rows.push(
      row('Segmentation, mean IoU', null, ({ scores }) => scores.segmentation?.meanIou),
      row('Segmentation, pixels right', chance, ({ scores }) => scores.segmentation?.pixelAccuracy),
    );
  }
  for (const [key, name] of [
    ['knn', 'k-NN'],
    ['probe', 'Linear probe'],
  ] as const) {
    const learned = first[key];
    if (!learned) continue;
    rows.push({
      ...row(name, chanceAt(1, learned.classes), ({ scores }) => scores[key]?.accuracy),
      spreads: results.map(({ scores }) => scores[key]?.spread),
    });
  }
  return rows;
}

import { Table } from '@mantine/core';
import type { ScoresComparison } from '../../evaluation/evaluation.ts';
import type { PairedComparison } from '../../evaluation/statistics.ts';
import { formatPValue, formatSigned } from '../shared/format.ts';
import { WideTable } from './WideTable.tsx';

/** Each measure's paired difference: flips, exact McNemar, bootstrap interval, and what to call it. */
export function Differences({ model, comparison }: { model: string; comparison: ScoresComparison }) {
  const rows: [name: string, paired: PairedComparison | undefined][] = [
    ['MMVP, pairs', comparison.mmvp],
    ['MMVP DIVA-style, first seed', comparison.divaStyle],
    ['Zero-shot top-1', comparison.zeroShot],
    ['Image to text R@1', comparison.retrieval?.imageToText],
    ['Text to image R@1', comparison.retrieval?.textToImage],
    ['k-NN, first seed', comparison.knn],
    ['Linear probe, first seed', comparison.probe],
  ];
  return (
    <WideTable label={`Differences: ${model}`}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Measure</Table.Th>
          <Table.Th className="figure">Change</Table.Th>
          <Table.Th className="figure">95% interval</Table.Th>
          <Table.Th className="figure">Fixed</Table.Th>
          <Table.Th className="figure">Broken</Table.Th>
          <Table.Th className="figure">McNemar</Table.Th>
          <Table.Th>Meaning</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map(
          ([name, paired]) =>
            paired && (
              <Table.Tr key={name} title={paired.verdict}>
                <Table.Th scope="row">{name}</Table.Th>
                <Table.Td className="figure">{formatSigned(paired.difference)}</Table.Td>
                <Table.Td className="figure">
                  {formatSigned(paired.interval[0])} to {formatSigned(paired.interval[1])}
                </Table.Td>
                <Table.Td className="figure">{paired.fixed}</Table.Td>
                <Table.Td className="figure">{paired.broken}</Table.Td>
                <Table.Td className="figure">{formatPValue(paired.pValue)}</Table.Td>
                <Table.Td>{meaning(paired)}</Table.Td>
              </Table.Tr>
            ),
        )}
      </Table.Tbody>
    </WideTable>
  );
}

/** In a word; the row's title has the sentence. */
function meaning({ fixed, broken, difference, pValue }: PairedComparison): string {
  if (fixed + broken === 0) return 'no change';
  if (pValue >= 0.05) return 'inside the noise';
  if (fixed > broken && difference > 0) return 'gain beyond chance';
  return fixed < broken && difference < 0 ? 'loss beyond chance' : 'flips beyond chance, total not';
}

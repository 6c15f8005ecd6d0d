import { Table } from '@mantine/core';
import type { EvaluationResult } from '../../../workers/protocol.ts';
import { runsOf } from '../../evaluation/runs.ts';
import { formatSigned } from '../shared/format.ts';
import { Panel } from '../shared/Panel.tsx';
import { WideTable } from './WideTable.tsx';

/** Several models after the first as runs of one recipe: mean, spread and whether the change is more than noise. */
export function RunsPanel({ results }: { results: readonly EvaluationResult[] }) {
  const runs = runsOf(results.map(({ scores }) => scores));
  if (runs.length === 0) return null;
  return (
    <Panel
      title={`${results.length - 1} models as runs of one recipe`}
      note="Mean and spread of the compared models: what a recipe does, where they differ in their seed alone."
    >
      <WideTable label="Runs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Measure</Table.Th>
            <Table.Th className="figure">{results[0]!.name}</Table.Th>
            <Table.Th className="figure">Mean</Table.Th>
            <Table.Th className="figure">Change</Table.Th>
            <Table.Th className="figure">95% interval</Table.Th>
            <Table.Th>Meaning</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {runs.map(
            ({ name, summary: { baseline, mean, spread, difference, interval, pValue, verdict } }) => (
              <Table.Tr key={name} title={verdict}>
                <Table.Th scope="row">{name}</Table.Th>
                <Table.Td className="figure">{baseline.toFixed(1)}</Table.Td>
                <Table.Td className="figure">
                  {mean.toFixed(1)}
                  <span className="evaluate-spread"> ± {spread.toFixed(1)}</span>
                </Table.Td>
                <Table.Td className="figure">{formatSigned(difference)}</Table.Td>
                <Table.Td className="figure">
                  {formatSigned(interval[0])} to {formatSigned(interval[1])}
                </Table.Td>
                <Table.Td>
                  {pValue >= 0.05 ? 'inside the noise' : `${difference > 0 ? 'gain' : 'loss'} beyond chance`}
                </Table.Td>
              </Table.Tr>
            ),
          )}
        </Table.Tbody>
      </WideTable>
    </Panel>
  );
}

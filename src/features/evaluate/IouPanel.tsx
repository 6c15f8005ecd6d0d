import { Table } from '@mantine/core';
import type { EvaluationResult } from '../../../workers/protocol.ts';
import { formatPlural } from '../shared/format.ts';
import { Panel } from '../shared/Panel.tsx';
import { WideTable } from './WideTable.tsx';

/** Zero-shot segmentation class by class, by intersection over union. */
export function IouPanel({ results }: { results: readonly EvaluationResult[] }) {
  const scored = results.flatMap(({ id, name, scores: { segmentation } }) =>
    segmentation ? [{ id, name, segmentation }] : [],
  );
  const first = scored[0]?.segmentation;
  if (!first) return null;
  return (
    <Panel
      title="Segmentation"
      note={`${formatPlural(first.images, 'picture')} with masks. Every pixel is given to the nearest class name; pictures are squeezed whole into the encoder’s square.`}
    >
      <WideTable label="Intersection over union">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Class</Table.Th>
            {scored.map(({ id, name }) => (
              <Table.Th key={id} className="figure">
                {name}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {first.classes.map(({ name: label }, i) => (
            <Table.Tr key={label}>
              <Table.Th scope="row">{label}</Table.Th>
              {scored.map(({ id, segmentation }) => (
                <Table.Td key={id} className="figure">
                  {segmentation.classes[i]?.iou?.toFixed(1) ?? '–'}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </WideTable>
    </Panel>
  );
}

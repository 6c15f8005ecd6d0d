import { Table } from '@mantine/core';
import { formatSigned } from '../shared/format.ts';
import type { PatternRow } from './pairs.ts';
import { useCompare } from './store.ts';

/** Scores and flips by pattern; a pattern's name shows its pairs. */
export function PatternTable({
  rows,
  before,
  after,
}: {
  rows: readonly PatternRow[];
  before: number;
  after: number;
}) {
  const chosen = useCompare((state) => state.pattern);
  const { filter } = useCompare.getState();
  const sum = (key: 'pairs' | 'fixed' | 'broken') => rows.reduce((total, row) => total + row[key], 0);
  return (
    <Table.ScrollContainer minWidth={430} type="native">
      <Table className="pattern-table" aria-label="MMVP by pattern">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Pattern</Table.Th>
            <Table.Th className="figure">Before</Table.Th>
            <Table.Th className="figure">After</Table.Th>
            <Table.Th className="figure">Change</Table.Th>
            <Table.Th className="figure">Fixed</Table.Th>
            <Table.Th className="figure">Broken</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={row.name} data-chosen={row.name === chosen || undefined}>
              <Table.Th scope="row">
                <button
                  type="button"
                  className="pattern-name"
                  aria-pressed={row.name === chosen}
                  title="Show its pairs"
                  onClick={() => filter({ pattern: row.name === chosen ? null : row.name })}
                >
                  {row.name}
                </button>
              </Table.Th>
              <Table.Td className="figure">{row.before.toFixed(1)}</Table.Td>
              <Table.Td className="figure pattern-after">{row.after.toFixed(1)}</Table.Td>
              <Table.Td className="figure">
                <Change value={row.after - row.before} />
              </Table.Td>
              <Table.Td className="figure">{row.fixed || <Nought />}</Table.Td>
              <Table.Td className="figure">{row.broken || <Nought />}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
        <Table.Tfoot>
          <Table.Tr>
            <Table.Th scope="row">Mean of patterns</Table.Th>
            <Table.Th className="figure">{before.toFixed(1)}</Table.Th>
            <Table.Th className="figure pattern-after">{after.toFixed(1)}</Table.Th>
            <Table.Th className="figure">
              <Change value={after - before} />
            </Table.Th>
            <Table.Th className="figure">{sum('fixed')}</Table.Th>
            <Table.Th className="figure">{sum('broken')}</Table.Th>
          </Table.Tr>
        </Table.Tfoot>
      </Table>
    </Table.ScrollContainer>
  );
}

function Change({ value }: { value: number }) {
  const tone = value > 0.05 ? 'change-up' : value < -0.05 ? 'change-down' : 'change-none';
  return <span className={tone}>{formatSigned(value)}</span>;
}

/** A zero that does not catch the eye. */
function Nought() {
  return <span className="change-none">0</span>;
}

import { Table } from '@mantine/core';
import type { ZeroShotScore } from '../../evaluation/zero-shot.ts';

/** Classes shown at most; the reports hold all. */
const most = 60;

/** Each class's accuracy, the worst first. */
export function PerClass({ score }: { score: ZeroShotScore }) {
  const classes = score.classes
    .filter(({ images }) => images > 0)
    .sort((a, b) => a.top1! - b.top1! || a.top5! - b.top5!);
  return (
    <div className="per-class">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section className="per-class-scroll" aria-label="Accuracy by class" tabIndex={0}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Class</Table.Th>
              <Table.Th className="figure">Images</Table.Th>
              <Table.Th className="figure">Top-1</Table.Th>
              <Table.Th className="figure">Top-5</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {classes.slice(0, most).map(({ name, images, top1, top5 }) => (
              <Table.Tr key={name}>
                <Table.Th scope="row">{name}</Table.Th>
                <Table.Td className="figure">{images}</Table.Td>
                <Table.Td className="figure">{top1!.toFixed(1)}</Table.Td>
                <Table.Td className="figure">{top5!.toFixed(1)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </section>
      {classes.length > most && (
        <p className="evaluate-hint">
          The {most} worst of {classes.length}. The reports hold all.
        </p>
      )}
    </div>
  );
}

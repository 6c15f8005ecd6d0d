import { NativeSelect, Table } from '@mantine/core';
import { useState } from 'react';
import type { NamedBlob, SegmentationReport } from '../../../workers/protocol.ts';
import { DropTarget } from '../shared/DropTarget.tsx';
import { engine } from '../shared/engine.ts';
import { formatPlural } from '../shared/format.ts';
import { Panel } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { WorkProgress } from '../shared/WorkProgress.tsx';
import { parseWeights, useWeightChoices } from '../shared/weight-choices.ts';
import { advance, busy, cancelling, ended, idle, type Work } from '../shared/work.ts';
import { WideTable } from './WideTable.tsx';

/** Zero-shot segmentation of pictures that have masks, by mean intersection over union. */
export function SegmentationPanel() {
  const models = useWeightChoices().flatMap(({ items }) => items);
  const [chosen, setChosen] = useState<string | null>(null);
  const [work, setWork] = useState<Work>(idle);
  const [made, setMade] = useState<{ name: string; report: SegmentationReport }[]>([]);
  const model = models.find(({ value }) => value === chosen) ?? models[0];

  async function score(files: NamedBlob[]) {
    if (!model) return;
    setWork(busy());
    try {
      const report = await engine().segmentFolder(parseWeights(model.value), files, (progress) =>
        setWork((before) => advance(before, progress)),
      );
      setMade((before) => [
        ...before.filter(({ name, report: other }) => name !== model.label && sameData(other, report)),
        { name: model.label, report },
      ]);
      setWork(idle);
    } catch (error) {
      setWork((before) => ended(before, error));
    }
  }

  return (
    <Panel
      title="Segmentation"
      note="Every pixel is given to the nearest class name. VOC without its background, or ADE20K’s 150 classes; pictures are squeezed whole into the encoder’s square."
    >
      <div className="evaluate-part">
        <NativeSelect
          label="Segmented by"
          value={model?.value ?? ''}
          data={models}
          onChange={(event) => setChosen(event.currentTarget.value)}
        />
        {work.state === 'failed' && (
          <Problem title="The pictures could not be segmented">{work.problem}</Problem>
        )}
        {work.state === 'busy' ? (
          <WorkProgress
            name="Segmenting"
            progress={work.progress}
            cancelling={work.cancelling}
            onCancel={() => {
              setWork(cancelling);
              void engine().cancel('evaluate');
            }}
          />
        ) : (
          <DropTarget
            name="Masks"
            title="Drop a folder with masks: VOC or ADE20K"
            compact
            onFiles={(files) => void score(files)}
            onProblem={(problem) => setWork({ state: 'failed', problem })}
          />
        )}
        {made.length > 0 && <IouTable made={made} />}
      </div>
    </Panel>
  );
}

/** Scores stand side by side only where they are of as many pictures of one layout. */
const sameData = (a: SegmentationReport, b: SegmentationReport): boolean =>
  a.layout === b.layout && a.pictures === b.pictures;

function IouTable({ made }: { made: readonly { name: string; report: SegmentationReport }[] }) {
  const { report: first } = made[0]!;
  return (
    <WideTable label="Intersection over union">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>
            {first.layout}, {formatPlural(first.pictures, 'picture')}
          </Table.Th>
          {made.map(({ name }) => (
            <Table.Th key={name} className="figure">
              {name}
            </Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        <Table.Tr>
          <Table.Th scope="row">mIoU</Table.Th>
          {made.map(({ name, report }) => (
            <Table.Td key={name} className="figure">
              {report.meanIou.toFixed(1)}
            </Table.Td>
          ))}
        </Table.Tr>
        <Table.Tr>
          <Table.Th scope="row">Pixels right</Table.Th>
          {made.map(({ name, report }) => (
            <Table.Td key={name} className="figure">
              {report.pixelAccuracy.toFixed(1)}
            </Table.Td>
          ))}
        </Table.Tr>
        {first.classes.map(({ name: label }, i) => (
          <Table.Tr key={label}>
            <Table.Th scope="row">{label}</Table.Th>
            {made.map(({ name, report }) => (
              <Table.Td key={name} className="figure">
                {report.classes[i]?.iou?.toFixed(1) ?? '–'}
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </WideTable>
  );
}

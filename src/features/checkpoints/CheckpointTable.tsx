import { ActionIcon, Button, NativeSelect, Table, Tooltip } from '@mantine/core';
import { IconColumns2, IconDownload, IconPlayerPlay, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { useLocation } from 'wouter';
import type { CheckpointSummary } from '../../../workers/protocol.ts';
import { useCompare } from '../compare/store.ts';
import { useImages } from '../images/store.ts';
import { useRefine } from '../refine/store.ts';
import { ConfirmDelete } from '../shared/ConfirmDelete.tsx';
import { formatBytes, formatMoment, formatPlural } from '../shared/format.ts';
import { Panel } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { WorkProgress } from '../shared/WorkProgress.tsx';
import { useCheckpoints } from './store.ts';

/** All checkpoints, run by run, newest first. */
export function CheckpointTable() {
  const { checkpoints, scoring } = useCheckpoints();
  const { benchmarks, benchmark, chooseBenchmark } = useImages();
  const runs = useRefine((state) => state.runs);
  const { cancelScore } = useCheckpoints.getState();
  const names = new Map(runs.map(({ id, name }) => [id, name]));
  const order = [...new Set(checkpoints.map(({ run }) => run))];
  const rows = order.flatMap((run) =>
    checkpoints.filter((checkpoint) => checkpoint.run === run).sort((a, b) => b.step - a.step),
  );

  return (
    <Panel
      title={formatPlural(checkpoints.length, 'checkpoint')}
      aside={
        benchmarks.length > 0 ? (
          <NativeSelect
            size="xs"
            aria-label="Benchmark for the score column"
            value={benchmark ?? ''}
            data={benchmarks.map(({ id, name }) => ({ value: id, label: name }))}
            onChange={(event) => chooseBenchmark(event.currentTarget.value)}
          />
        ) : (
          <span>Add a benchmark in Images to score</span>
        )
      }
    >
      {scoring?.work.state === 'busy' && (
        <div className="checkpoint-scoring">
          <WorkProgress
            name="Scoring the checkpoint"
            progress={scoring.work.progress}
            cancelling={scoring.work.cancelling}
            onCancel={() => void cancelScore()}
          />
        </div>
      )}
      {scoring?.work.state === 'failed' && (
        <div className="checkpoint-scoring">
          <Problem title="The checkpoint could not be scored">{scoring.work.problem}</Problem>
        </div>
      )}
      <Table.ScrollContainer minWidth={440} type="native">
        <Table className="checkpoint-table" highlightOnHover aria-label="Checkpoints">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Run</Table.Th>
              <Table.Th className="figure">Step</Table.Th>
              <Table.Th className="figure">Loss</Table.Th>
              <Table.Th className="figure">MMVP</Table.Th>
              <Table.Th className="figure">Size</Table.Th>
              <Table.Th>Written</Table.Th>
              <Table.Th>
                <span className="visually-hidden">Actions</span>
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rows.map((checkpoint, index) => (
              <CheckpointRow
                key={checkpoint.id}
                checkpoint={checkpoint}
                name={names.get(checkpoint.run) ?? checkpoint.run}
                leads={checkpoint.run !== rows[index - 1]?.run}
                newest={checkpoint.run !== rows[index - 1]?.run}
                benchmark={benchmark}
              />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Panel>
  );
}

interface CheckpointRowProps {
  checkpoint: CheckpointSummary;
  name: string;
  /** First of its run in the table. */
  leads: boolean;
  /** The one that resuming the run starts from. */
  newest: boolean;
  benchmark: string | null;
}

function CheckpointRow({ checkpoint, name, leads, newest, benchmark }: CheckpointRowProps) {
  const [, go] = useLocation();
  const [asking, setAsking] = useState(false);
  const deleting = useCheckpoints((state) => state.deleting.includes(checkpoint.id));
  const scoring = useCheckpoints((state) => state.scoring?.work.state === 'busy');
  const run = useRefine((state) => state.runs.find(({ id }) => id === checkpoint.run));
  const { score, makeFiles, remove } = useCheckpoints.getState();
  const total = checkpoint.scores.find((each) => each.benchmark === benchmark)?.total;
  const called = `${name}, step ${checkpoint.step}`;
  const resumable =
    newest &&
    run !== undefined &&
    run.step < run.config.steps &&
    run.state !== 'running' &&
    run.state !== 'preparing';

  function compare() {
    const { choose } = useCompare.getState();
    choose('before', { kind: 'original', encoder: checkpoint.encoder });
    choose('after', { kind: 'checkpoint', id: checkpoint.id });
    go('/compare');
  }

  function resume() {
    const refine = useRefine.getState();
    refine.view(checkpoint.run);
    void refine.resume(checkpoint.run);
    go('/refine');
  }

  return (
    <Table.Tr data-leads={leads || undefined} aria-busy={deleting}>
      <Table.Th scope="row">{leads ? name : <span className="visually-hidden">{name}</span>}</Table.Th>
      <Table.Td className="figure">{checkpoint.step}</Table.Td>
      <Table.Td className="figure">{checkpoint.loss.toFixed(4)}</Table.Td>
      <Table.Td className="figure">
        {total === undefined ? (
          <Button
            size="compact-xs"
            variant="default"
            disabled={benchmark === null || scoring}
            aria-label={`Score ${called}`}
            onClick={() => benchmark && void score(checkpoint.id, benchmark)}
          >
            Score
          </Button>
        ) : (
          <b>{total.toFixed(1)}</b>
        )}
      </Table.Td>
      <Table.Td className="figure">{formatBytes(checkpoint.bytes)}</Table.Td>
      <Table.Td className="checkpoint-moment">{formatMoment(checkpoint.createdAt)}</Table.Td>
      <Table.Td className="checkpoint-actions">
        {resumable && (
          <Tooltip label="Resume the run from here">
            <ActionIcon variant="subtle" color="gray" aria-label={`Resume from ${called}`} onClick={resume}>
              <IconPlayerPlay size={16} stroke={1.75} />
            </ActionIcon>
          </Tooltip>
        )}
        <Tooltip label="Compare with the original">
          <ActionIcon variant="subtle" color="gray" aria-label={`Compare ${called}`} onClick={compare}>
            <IconColumns2 size={16} stroke={1.75} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Make the files to download">
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Download ${called}`}
            onClick={() => void makeFiles(checkpoint.id)}
          >
            <IconDownload size={16} stroke={1.75} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Delete">
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Delete ${called}`}
            loading={deleting}
            onClick={() => setAsking(true)}
          >
            <IconTrash size={16} stroke={1.75} />
          </ActionIcon>
        </Tooltip>
        <ConfirmDelete
          opened={asking}
          title={`Delete ${called}?`}
          onClose={() => setAsking(false)}
          onConfirm={() => void remove(checkpoint.id)}
        >
          {newest
            ? 'The run can then go on only from an earlier checkpoint. Files that you downloaded stay.'
            : 'Its weights go from this browser for good. Files that you downloaded stay.'}
        </ConfirmDelete>
      </Table.Td>
    </Table.Tr>
  );
}

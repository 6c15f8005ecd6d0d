import { Button, Table } from '@mantine/core';
import { IconCircleCheck, IconCircleX, IconCpu } from '@tabler/icons-react';
import type { RunSummary, WebGpuCheck } from '../../../workers/protocol.ts';
import { formatCount, formatMilliseconds } from '../shared/format.ts';
import { Panel } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { SpecList } from '../shared/SpecList.tsx';
import { WorkProgress } from '../shared/WorkProgress.tsx';
import { useRefine } from './store.ts';

/** Largest relative error of the gradient at which the two providers count as agreeing. */
const agreement = 1e-3;

/** Makes the run's first steps again on WebGPU and shows how far they agree with WebAssembly. */
export function WebGpuCheckPanel({ run }: { run: RunSummary }) {
  const check = useRefine((state) => state.checks[run.id]);
  const { check: start } = useRefine.getState();
  const busy = check?.work.state === 'busy' ? check.work : null;
  return (
    <Panel
      title="Check on WebGPU"
      note="Makes the first three steps again on the graphics adapter, nothing left to the processor, and compares every gradient."
      aside={
        <Button
          size="xs"
          variant="default"
          leftSection={<IconCpu size={15} stroke={1.75} />}
          disabled={busy !== null || run.state === 'preparing' || run.state === 'running'}
          onClick={() => void start(run.id)}
        >
          Check on WebGPU
        </Button>
      }
    >
      {busy && <WorkProgress name="Checking on WebGPU" progress={busy.progress} />}
      {check?.work.state === 'failed' && (
        <Problem title="The check could not be made">{check.work.problem}</Problem>
      )}
      {check?.report && <CheckReport report={check.report} />}
      {!check && (
        <p className="check-idle">
          {run.state === 'running' || run.state === 'preparing'
            ? 'Available once the run is paused or over: both use the same device.'
            : 'Not made yet for this run.'}
        </p>
      )}
    </Panel>
  );
}

function CheckReport({ report }: { report: WebGpuCheck }) {
  const agrees = report.gradientRelativeError <= agreement;
  return (
    <div className="check-report">
      <div>
        <p className={agrees ? 'check-verdict' : 'check-verdict check-verdict-off'}>
          {agrees ? (
            <IconCircleCheck size={18} aria-hidden="true" />
          ) : (
            <IconCircleX size={18} aria-hidden="true" />
          )}
          {agrees ? 'The providers agree' : 'The providers disagree'}
        </p>
        <SpecList
          specs={[
            {
              name: 'Gradient, relative error',
              value: `${report.gradientRelativeError.toExponential(1)} (limit 1e-3)`,
            },
            { name: 'Adapter', value: report.adapter },
            { name: 'GPU dispatches a step', value: formatCount(report.dispatches) },
          ]}
        />
      </div>
      <Table.ScrollContainer minWidth={380} type="native">
        <Table aria-label="Losses on both providers">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Step</Table.Th>
              <Table.Th className="figure">WebGPU loss</Table.Th>
              <Table.Th className="figure">WebAssembly loss</Table.Th>
              <Table.Th className="figure">WebGPU time</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {report.loss.map((loss, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the index is the step
              <Table.Tr key={index}>
                <Table.Td>{index + 1}</Table.Td>
                <Table.Td className="figure">{loss.toFixed(6)}</Table.Td>
                <Table.Td className="figure">{report.wasmLoss[index]?.toFixed(6)}</Table.Td>
                <Table.Td className="figure">{formatMilliseconds(report.ms[index] ?? 0)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </div>
  );
}

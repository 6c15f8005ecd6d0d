import { NumberInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { PlanReport } from '../../../workers/protocol.ts';
import type { RefineConfig } from '../../method/config.ts';
import { engine } from '../shared/engine.ts';
import { formatBytes, formatDuration, formatMilliseconds } from '../shared/format.ts';
import { Panel } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { Spinner } from '../shared/Ring.tsx';
import { problemOf } from '../shared/work.ts';
import { useRefine } from './store.ts';
import './memory-plan.css';

interface MemoryPlanProps {
  encoder: string;
  teacher: string;
  config: RefineConfig;
}

/** Milliseconds without a keystroke before the plan is drawn anew. */
const pause = 400;

/** What the run would take of the device's memory and how long it would last, before anything is loaded. */
export function MemoryPlan({ encoder, teacher, config }: MemoryPlanProps) {
  const [gigabytes, setGigabytes] = useState<number | null>(null);
  const [plan, setPlan] = useState<PlanReport | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const settings = JSON.stringify(config);
  useEffect(() => {
    let current = true;
    const timer = setTimeout(() => {
      const total = gigabytes === null ? null : gigabytes * 1e9;
      const request = { encoder, teacher, config: JSON.parse(settings) as RefineConfig, total };
      engine()
        .planRun(request)
        .then(
          (report) => {
            if (!current) return;
            setPlan(report);
            setProblem(null);
          },
          (error: unknown) => current && setProblem(problemOf(error)),
        );
    }, pause);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [encoder, teacher, settings, gigabytes]);

  return (
    <Panel
      title="Memory and time"
      note="Planned from the model’s graphs. No weight is loaded yet."
      className="memory-plan"
    >
      {problem !== null && <Problem title="The run could not be planned">{problem}</Problem>}
      {problem === null && plan === null && (
        <p className="new-run-hint" role="status">
          <Spinner size={14} /> Planning
        </p>
      )}
      {problem === null && plan !== null && <Plan plan={plan} />}
      <NumberInput
        size="xs"
        label="Memory of this device for the run, GB"
        description="Browsers do not tell. On an 8 GB card about 6.5 are free for a tab."
        min={0.1}
        decimalScale={2}
        value={gigabytes ?? ''}
        onChange={(value) => setGigabytes(typeof value === 'number' && value > 0 ? value : null)}
      />
    </Panel>
  );
}

function Plan({ plan }: { plan: PlanReport }) {
  const { parts, peak, limits, largest, obstacles, choices, time } = plan;
  const fits = obstacles.length === 0;
  const scale = Math.max(peak, limits.total ?? 0);
  const binding = limits.binding === null ? null : Math.min(limits.binding, limits.buffer ?? Infinity);
  return (
    <>
      <p className="memory-plan-verdict" role="status">
        <strong>{formatBytes(peak)}</strong> at the peak:{' '}
        {!fits ? 'does not fit' : limits.total === null ? 'within the limits that are known' : 'fits'}
      </p>
      <div className="memory-plan-bar" role="img" aria-label={parts.map(described).join(', ')}>
        {parts.map(({ name, bytes }, i) => (
          <span
            key={name}
            data-part={i}
            style={{ width: `${(100 * bytes) / scale}%` }}
            title={described({ name, bytes })}
          />
        ))}
        {limits.total !== null && (
          <i className="memory-plan-limit" style={{ left: `${(100 * limits.total) / scale}%` }} />
        )}
      </div>
      <ul className="memory-plan-parts">
        {parts.map(({ name, bytes }, i) => (
          <li key={name}>
            <span data-part={i} aria-hidden />
            {name}
            <b>{formatBytes(bytes)}</b>
          </li>
        ))}
        <li>
          <span aria-hidden />
          largest single value
          <b>
            {formatBytes(largest.bytes)}
            {binding !== null && ` of ${formatBytes(binding)}`}
          </b>
        </li>
      </ul>
      {time && (
        <p className="memory-plan-time">
          About {formatMilliseconds(1000 * time.step)} a step, {formatDuration(time.run)} for the run;{' '}
          {time.from === 'run' ? 'from an earlier run of these models' : 'from kernels timed on this machine'}
          .
        </p>
      )}
      {!fits && (
        <Problem tone="caution" title="This does not fit">
          {obstacles.join('. ')}.
          <table className="memory-plan-choices">
            <caption>Cheaper ways: choose one to set it</caption>
            <tbody>
              {choices.map(({ choice, peak: bytes, fits: enough, config }) => (
                <tr key={choice}>
                  <th scope="row">
                    <button type="button" onClick={() => useRefine.getState().takeConfig(config)}>
                      {choice}
                    </button>
                  </th>
                  <td>{formatBytes(bytes)}</td>
                  <td>{enough ? 'fits' : 'does not fit'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Problem>
      )}
    </>
  );
}

const described = ({ name, bytes }: { name: string; bytes: number }) => `${name} ${formatBytes(bytes)}`;

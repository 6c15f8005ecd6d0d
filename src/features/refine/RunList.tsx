import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import type { RunSummary } from '../../../workers/protocol.ts';
import { formatMoment } from '../shared/format.ts';
import { nearestPreset, presetLabels } from './config-difference.ts';
import { RunStateBadge } from './RunStateBadge.tsx';
import { useRefine } from './store.ts';
import './run-list.css';

/** All runs, newest first, each told by how its configuration differs from a preset. */
export function RunList() {
  const runs = useRefine((state) => state.runs);
  const chosen = useRefine((state) => state.run);
  const { view } = useRefine.getState();
  return (
    <nav className="run-list" aria-label="Runs">
      <Button
        fullWidth
        variant={chosen === null ? 'light' : 'default'}
        leftSection={<IconPlus size={16} stroke={1.75} />}
        aria-current={chosen === null ? 'true' : undefined}
        onClick={() => view(null)}
      >
        New run
      </Button>
      <ul>
        {runs.map((run) => (
          <li key={run.id}>
            <button
              type="button"
              aria-current={run.id === chosen ? 'true' : undefined}
              onClick={() => view(run.id)}
            >
              <span className="run-list-head">
                <span className="run-list-name">{run.name}</span>
                <RunStateBadge run={run} />
              </span>
              <RunDifference run={run} />
              <span className="run-list-foot">
                <span>
                  {run.step} of {run.config.steps}
                </span>
                <span>{formatMoment(run.createdAt)}</span>
              </span>
              <span className="run-list-bar" aria-hidden="true">
                <span style={{ width: `${(100 * run.step) / run.config.steps}%` }} />
              </span>
            </button>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** "DIVA · Steps 120 · Seed 7" */
export function RunDifference({ run }: { run: RunSummary }) {
  const { preset, differences } = nearestPreset(run.config);
  return (
    <span className="run-difference">
      <span>{presetLabels[preset]}</span>
      {differences.map(({ name, label, to }) => (
        <span key={name}>
          {label} <b>{to}</b>
        </span>
      ))}
    </span>
  );
}

import { ActionIcon, Button, Tooltip } from '@mantine/core';
import {
  IconFileDownload,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerStop,
  IconTrash,
} from '@tabler/icons-react';
import { useState } from 'react';
import type { RunSummary } from '../../../workers/protocol.ts';
import { useImages } from '../images/store.ts';
import { useModels } from '../models/store.ts';
import { ConfirmDelete } from '../shared/ConfirmDelete.tsx';
import { fileName, saveBlob } from '../shared/save.ts';
import { useInterrupted } from './RunStateBadge.tsx';
import { isOver } from './run-events.ts';
import { runLog } from './run-log.ts';
import { useRefine } from './store.ts';

/** Pause, resume, stop, delete: those that make sense now. */
export function RunControls({ run }: { run: RunSummary }) {
  const asked = useRefine((state) => state.live[run.id]?.asked ?? false);
  const interrupted = useInterrupted(run);
  const [deleting, setDeleting] = useState(false);
  const { pause, resume, stop, remove } = useRefine.getState();
  const active = !interrupted && (run.state === 'running' || run.state === 'preparing');
  const resumable =
    interrupted || run.state === 'paused' || run.state === 'failed' || run.state === 'stopped';

  return (
    <div className="run-controls">
      {active && (
        <Button
          variant="default"
          leftSection={<IconPlayerPause size={16} stroke={1.75} />}
          disabled={asked || run.state === 'preparing'}
          onClick={() => void pause(run.id)}
        >
          Pause
        </Button>
      )}
      {resumable && (
        <Button
          variant={interrupted || run.state === 'paused' ? 'filled' : 'default'}
          leftSection={<IconPlayerPlay size={16} stroke={1.75} />}
          disabled={asked}
          onClick={() => void resume(run.id)}
        >
          Resume
        </Button>
      )}
      {!interrupted && (active || run.state === 'paused') && (
        <Button
          variant="default"
          leftSection={<IconPlayerStop size={16} stroke={1.75} />}
          disabled={asked}
          onClick={() => void stop(run.id)}
        >
          Stop
        </Button>
      )}
      {run.steps.length > 0 && (
        <Tooltip label="Settings, every step and the check as JSON">
          <Button
            variant="default"
            leftSection={<IconFileDownload size={16} stroke={1.75} />}
            onClick={() => saveLog(run)}
          >
            Save log
          </Button>
        </Tooltip>
      )}
      {(isOver(run.state) || interrupted) && (
        <Tooltip label="Delete the run and its checkpoints">
          <ActionIcon
            variant="default"
            size={34}
            aria-label={`Delete ${run.name}`}
            disabled={asked}
            onClick={() => setDeleting(true)}
          >
            <IconTrash size={16} stroke={1.75} />
          </ActionIcon>
        </Tooltip>
      )}
      <ConfirmDelete
        opened={deleting}
        title={`Delete ${run.name}?`}
        onClose={() => setDeleting(false)}
        onConfirm={() => void remove(run.id)}
      >
        Its curves and all its checkpoints go from this browser. Files that you downloaded stay.
      </ConfirmDelete>
    </div>
  );
}

function saveLog(run: RunSummary) {
  const { encoders, teachers, hardware } = useModels.getState();
  const log = runLog({
    run,
    encoder: encoders.find(({ id }) => id === run.encoder),
    teacher: teachers.find(({ id }) => id === run.teacher),
    imageSet: useImages.getState().sets.find(({ id }) => id === run.imageSet),
    hardware,
    check: useRefine.getState().checks[run.id]?.report ?? null,
  });
  saveBlob(`${fileName(run.name)}-log.json`, log);
}

import { Button } from '@mantine/core';
import { IconColumns2, IconDownload } from '@tabler/icons-react';
import { useLocation } from 'wouter';
import type { RunSummary } from '../../../workers/protocol.ts';
import { useCheckpoints } from '../checkpoints/store.ts';
import { useCompare } from '../compare/store.ts';

/** After the end: compare the last checkpoint with the original, or take it away. */
export function RunNext({ run }: { run: RunSummary }) {
  const [, go] = useLocation();
  const last = useCheckpoints((state) =>
    state.checkpoints
      .filter((each) => each.run === run.id)
      .reduce<(typeof state.checkpoints)[number] | undefined>(
        (best, each) => (best === undefined || each.step > best.step ? each : best),
        undefined,
      ),
  );
  if (!last) return null;

  function compare() {
    if (!last) return;
    const { choose } = useCompare.getState();
    choose('before', { kind: 'original', encoder: run.encoder });
    choose('after', { kind: 'checkpoint', id: last.id });
    go('/compare');
  }

  return (
    <div className="run-next">
      <div>
        <h3>Did its eyesight improve?</h3>
        <p>
          The loss cannot tell. Score the checkpoint of step {last.step} against the original on a benchmark.
        </p>
      </div>
      <div className="run-next-actions">
        <Button leftSection={<IconColumns2 size={16} stroke={1.75} />} onClick={compare}>
          Compare with the original
        </Button>
        <Button
          variant="default"
          leftSection={<IconDownload size={16} stroke={1.75} />}
          onClick={() => go('/checkpoints')}
        >
          Checkpoints
        </Button>
      </div>
    </div>
  );
}

import { Button } from '@mantine/core';
import { IconColumns2, IconDownload } from '@tabler/icons-react';
import { useLocation } from 'wouter';
import type { Comparison } from '../../../workers/protocol.ts';
import { formatSigned } from '../../features/shared/format.ts';
import { demoSentence } from './sentence.ts';
import { study } from './study.ts';

/** The end of the demo: what changed and how sure that is. */
export function DemoOutcome({ comparison }: { comparison: Comparison }) {
  const [, go] = useLocation();
  const { before, after, verdict } = comparison;
  return (
    <section className="demo-outcome" aria-label="What changed">
      <div className="demo-totals" aria-hidden="true">
        <span>{before.total.toFixed(1)}</span>
        <span className="demo-arrow">→</span>
        <span className="demo-after">{after.total.toFixed(1)}</span>
        <small>{formatSigned(after.total - before.total)} points of MMVP, guessing gives 25</small>
      </div>
      <div>
        <p className="demo-sentence" data-testid="demo-sentence">
          {demoSentence(verdict, study)}
        </p>
        <div className="demo-actions">
          <Button leftSection={<IconColumns2 size={16} stroke={1.75} />} onClick={() => go('/compare')}>
            See every pair
          </Button>
          <Button
            variant="default"
            leftSection={<IconDownload size={16} stroke={1.75} />}
            onClick={() => go('/checkpoints')}
          >
            Download the refined encoder
          </Button>
        </div>
      </div>
    </section>
  );
}

import { Button } from '@mantine/core';
import { IconFileDownload } from '@tabler/icons-react';
import { useMemo } from 'react';
import type { Comparison } from '../../../workers/protocol.ts';
import { useImages } from '../images/store.ts';
import { formatDuration, formatPlural } from '../shared/format.ts';
import { Panel } from '../shared/Panel.tsx';
import { saveBlob } from '../shared/save.ts';
import { PairBrowser } from './PairBrowser.tsx';
import { PatternChart } from './PatternChart.tsx';
import { PatternTable } from './PatternTable.tsx';
import { patternRows } from './pairs.ts';
import { Verdict } from './Verdict.tsx';
import './patterns.css';

/** The outcome of a comparison: verdict, patterns as chart and table, and every pair. */
export function Results({ comparison, stale }: { comparison: Comparison; stale: boolean }) {
  const rows = useMemo(() => patternRows(comparison), [comparison]);
  const { benchmark } = comparison.before;
  const summary = useImages((state) => state.benchmarks.find(({ id }) => id === benchmark));
  const pairs = comparison.before.pairs.length;
  return (
    <div className={stale ? 'compare-results compare-stale' : 'compare-results'}>
      <Verdict comparison={comparison} />
      <Panel
        title="By pattern"
        note={`${summary ? `${summary.name}: ` : ''}${formatPlural(pairs, 'pair')}. Share of pairs with both statements right, in percent.`}
        aside={
          <>
            <span>
              {summary && `${summary.official ? 'MMVP-VLM, official form' : 'MMVP-style'}, `}
              scored in {formatDuration(comparison.before.seconds + comparison.after.seconds)}
            </span>
            <Button
              size="xs"
              variant="default"
              leftSection={<IconFileDownload size={15} stroke={1.75} />}
              onClick={() => saveReport(comparison)}
            >
              Save report
            </Button>
          </>
        }
      >
        <div className="patterns">
          <PatternTable rows={rows} before={comparison.before.total} after={comparison.after.total} />
          <PatternChart rows={rows} />
        </div>
      </Panel>
      <PairBrowser comparison={comparison} />
    </div>
  );
}

/** Totals, patterns and every pair of both scorings, as JSON. */
function saveReport(comparison: Comparison) {
  const { benchmark, mode } = comparison.before;
  const name = useImages.getState().benchmarks.find(({ id }) => id === benchmark)?.name;
  const data = { name, hash: benchmark, mode };
  const text = `${JSON.stringify({ data, ...comparison }, null, 2)}\n`;
  saveBlob('comparison.json', new Blob([text], { type: 'application/json' }));
}

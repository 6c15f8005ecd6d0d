import { NativeSelect, SegmentedControl } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef } from 'react';
import type { Comparison } from '../../../workers/protocol.ts';
import { formatPlural } from '../shared/format.ts';
import { Panel } from '../shared/Panel.tsx';
import { StoredImage } from '../shared/StoredImage.tsx';
import { OutcomeMark } from './OutcomeMark.tsx';
import { PairDetail } from './PairDetail.tsx';
import { type ComparedPair, comparedPairs, type Outcome, outcomeLabels } from './pairs.ts';
import { useCompare } from './store.ts';
import './pairs.css';

const rowHeight = 76;

/** Every pair, filtered by pattern and outcome, and the open one in full. */
export function PairBrowser({ comparison }: { comparison: Comparison }) {
  const { pattern, outcome, pair: open, filter, open: openPair } = useCompare();
  const all = useMemo(() => comparedPairs(comparison), [comparison]);
  const inPattern = all.filter((pair) => pattern === null || pair.before.pattern === pattern);
  const shown = inPattern.filter((pair) => outcome === null || pair.outcome === outcome);
  const at = shown.findIndex(({ index }) => index === open);
  const chosen = shown[at] ?? null;
  const count = (wanted: Outcome) => inPattern.filter((pair) => pair.outcome === wanted).length;

  return (
    <Panel
      title="Pairs"
      note="Open a pair to see what each statement was given to, before and after."
      aside={
        <NativeSelect
          size="xs"
          aria-label="Pattern"
          value={pattern ?? ''}
          data={[
            { value: '', label: 'All patterns' },
            ...comparison.before.patterns.map(({ name }) => ({ value: name, label: name })),
          ]}
          onChange={(event) => filter({ pattern: event.currentTarget.value || null })}
        />
      }
    >
      <SegmentedControl
        className="pair-filter"
        size="xs"
        aria-label="Outcome"
        value={outcome ?? 'all'}
        onChange={(value) => filter({ outcome: value === 'all' ? null : (value as Outcome) })}
        data={[
          { value: 'all', label: `All ${inPattern.length}` },
          ...(Object.keys(outcomeLabels) as Outcome[]).map((value) => ({
            value,
            label: `${outcomeLabels[value]} ${count(value)}`,
          })),
        ]}
      />
      {shown.length === 0 ? (
        <p className="pairs-none">No pair of this kind{pattern === null ? '' : ` in ${pattern}`}.</p>
      ) : (
        <div className="pairs">
          <PairList pairs={shown} open={chosen?.index ?? null} owner={comparison.before.benchmark} />
          {chosen ? (
            <PairDetail
              key={chosen.index}
              pair={chosen}
              owner={comparison.before.benchmark}
              position={`${at + 1} of ${shown.length}`}
              onStep={(by) => openPair(shown[(at + by + shown.length) % shown.length]?.index ?? null)}
            />
          ) : (
            <p className="pairs-hint">{formatPlural(shown.length, 'pair')}. Choose one to look into it.</p>
          )}
        </div>
      )}
    </Panel>
  );
}

interface PairListProps {
  pairs: readonly ComparedPair[];
  open: number | null;
  owner: string;
}

function PairList({ pairs, open, owner }: PairListProps) {
  const scroller = useRef<HTMLUListElement>(null);
  const rows = useVirtualizer({
    count: pairs.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 4,
  });
  const { open: openPair } = useCompare.getState();
  return (
    <ul ref={scroller} className="pair-list" aria-label="Pairs">
      <li aria-hidden="true" className="pair-list-space" style={{ height: rows.getTotalSize() }} />
      {rows.getVirtualItems().map(({ index, start }) => {
        const pair = pairs[index]!;
        const { before } = pair;
        return (
          <li
            key={pair.index}
            aria-setsize={pairs.length}
            aria-posinset={index + 1}
            style={{ transform: `translateY(${start}px)` }}
          >
            <button
              type="button"
              aria-current={pair.index === open ? 'true' : undefined}
              aria-label={`Pair ${pair.index + 1}, ${before.pattern}, ${outcomeLabels[pair.outcome]}: ${before.statements[0]} / ${before.statements[1]}`}
              onClick={() => openPair(pair.index)}
            >
              <StoredImage owner={owner} path={before.images[0]} alt="" />
              <StoredImage owner={owner} path={before.images[1]} alt="" />
              <span className="pair-list-text">
                <span className="pair-list-head">
                  <span>
                    {pair.index + 1} · {before.pattern}
                  </span>
                  <OutcomeMark outcome={pair.outcome} />
                </span>
                <span className="pair-list-statement">{before.statements[0]}</span>
                <span className="pair-list-statement">{before.statements[1]}</span>
              </span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

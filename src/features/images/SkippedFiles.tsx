import { Button } from '@mantine/core';
import { useState } from 'react';
import type { SkippedFile } from '../../../workers/protocol.ts';
import { writeCsv } from '../../formats/csv.ts';
import { formatPlural } from '../shared/format.ts';
import { Problem } from '../shared/Problem.tsx';
import { saveBlob } from '../shared/save.ts';

/** Names shown before the person asks for more. */
const first = 200;

/** Files that were left out, by name, and why. */
export function SkippedFiles({ skipped }: { skipped: readonly SkippedFile[] }) {
  const [all, setAll] = useState(false);
  if (skipped.length === 0) return null;
  return (
    <Problem tone="caution" title={`${formatPlural(skipped.length, 'file')} skipped`}>
      <details className="skipped">
        <summary>Names and reasons</summary>
        <ul>
          {skipped.slice(0, all ? skipped.length : first).map(({ path, reason }) => (
            <li key={path}>
              <code>{path}</code>
              <span>{reason}</span>
            </li>
          ))}
        </ul>
        {!all && skipped.length > first && (
          <Button size="xs" variant="default" onClick={() => setAll(true)}>
            Show the other {formatPlural(skipped.length - first, 'file')}
          </Button>
        )}
        <Button size="xs" variant="default" onClick={() => saveBlob('skipped-files.csv', asCsv(skipped))}>
          Save list
        </Button>
      </details>
    </Problem>
  );
}

const asCsv = (skipped: readonly SkippedFile[]): Blob =>
  new Blob([writeCsv([['file', 'reason'], ...skipped.map(({ path, reason }) => [path, reason])])], {
    type: 'text/csv',
  });

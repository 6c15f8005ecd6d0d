import { Button } from '@mantine/core';
import { IconFileDownload } from '@tabler/icons-react';
import { useState } from 'react';
import { announce } from '../shared/announce.ts';
import { saveBlob } from '../shared/save.ts';
import { problemOf } from '../shared/work.ts';
import { type ReportKind, reportFile } from './report-files.ts';
import type { Shown } from './store.ts';

const kinds: readonly [ReportKind, string][] = [
  ['csv', 'CSV'],
  ['json', 'JSON'],
  ['latex', 'LaTeX'],
  ['html', 'HTML'],
];

/** The results on view as files, each with the models' hashes, the data's identities, seeds, mode and versions. */
export function Downloads({ shown }: { shown: Shown }) {
  const [problem, setProblem] = useState<string | null>(null);

  async function save(kind: ReportKind) {
    setProblem(null);
    try {
      const { name, blob } = await reportFile(shown, kind);
      saveBlob(name, blob);
      announce(`${name} is saved`);
    } catch (error) {
      setProblem(problemOf(error));
    }
  }

  return (
    <>
      {kinds.map(([kind, label]) => (
        <Button
          key={kind}
          size="xs"
          variant="default"
          leftSection={<IconFileDownload size={15} stroke={1.75} />}
          aria-label={`Save report as ${label}`}
          onClick={() => void save(kind)}
        >
          {label}
        </Button>
      ))}
      {problem !== null && <span role="alert">{problem}</span>}
    </>
  );
}

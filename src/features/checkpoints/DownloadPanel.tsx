import { Button } from '@mantine/core';
import { IconDownload, IconFileZip } from '@tabler/icons-react';
import { useState } from 'react';
import { useRefine } from '../refine/store.ts';
import { formatBytes } from '../shared/format.ts';
import { Panel } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { fileName, saveArchive, saveFile } from '../shared/save.ts';
import { WorkProgress } from '../shared/WorkProgress.tsx';
import { problemOf } from '../shared/work.ts';
import { type Export, useCheckpoints } from './store.ts';

/** Files made of checkpoints, each to take with one click. */
export function DownloadPanel() {
  const exports = useCheckpoints((state) => state.exports);
  const checkpoints = useCheckpoints((state) => state.checkpoints);
  const runs = useRefine((state) => state.runs);
  const made = Object.entries(exports);
  if (made.length === 0) return null;
  return (
    <Panel
      title="Downloads"
      note="The ONNX file has the inputs, outputs and node names of the one it came from; the safetensors file has Hugging Face names. The configuration travels with both."
    >
      <div className="downloads">
        {made.map(([id, each]) => {
          const checkpoint = checkpoints.find((one) => one.id === id);
          const run = runs.find((one) => one.id === checkpoint?.run);
          const name = checkpoint
            ? `${run?.name ?? checkpoint.run}, step ${checkpoint.step}`
            : 'Deleted checkpoint';
          return <Download key={id} name={name} made={each} />;
        })}
      </div>
    </Panel>
  );
}

function Download({ name, made: { work, files } }: { name: string; made: Export }) {
  const [problem, setProblem] = useState<string | null>(null);
  const [packing, setPacking] = useState(false);

  async function saveAll() {
    setPacking(true);
    setProblem(null);
    try {
      await saveArchive(`${fileName(name)}.zip`, files);
    } catch (error) {
      setProblem(problemOf(error));
    }
    setPacking(false);
  }

  return (
    <section className="download" aria-label={`Files of ${name}`}>
      <header>
        <h3>{name}</h3>
        {files.length > 1 && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconFileZip size={15} stroke={1.75} />}
            loading={packing}
            onClick={() => void saveAll()}
          >
            Download all as one archive
          </Button>
        )}
      </header>
      {work.state === 'busy' && <WorkProgress name="Writing the files" progress={work.progress} />}
      {work.state === 'failed' && <Problem title="The files could not be made">{work.problem}</Problem>}
      {problem !== null && <Problem title="The archive could not be made">{problem}</Problem>}
      {files.length > 0 && (
        <ul>
          {files.map((file) => (
            <li key={file.path}>
              <button type="button" aria-label={`Download ${file.path}`} onClick={() => saveFile(file)}>
                <IconDownload size={16} stroke={1.75} aria-hidden="true" />
                <code>{file.path}</code>
                <span>{formatBytes(file.blob.size)}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

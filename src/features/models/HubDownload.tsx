import { Button, TextInput } from '@mantine/core';
import { formatBytes, formatDuration } from '../shared/format.ts';
import { HubProgress } from '../shared/HubProgress.tsx';
import { Problem } from '../shared/Problem.tsx';
import { TokenField } from '../shared/TokenField.tsx';
import { type HubVisit, useHub } from './hub-store.ts';
import type { ModelKind } from './store.ts';
import '../shared/hub-download.css';

const examples = { encoder: 'Xenova/clip-vit-base-patch32', teacher: 'owner/stable-diffusion-onnx' };

/** Brings a model from a hub to this device: name or address, its files, progress of each and of all. */
export function HubDownload({ kind }: { kind: ModelKind }) {
  const visit = useHub((state) => state.visits[kind]);
  const other = useHub((state) => state.visits[kind === 'encoder' ? 'teacher' : 'encoder'].state);
  const { write, find } = useHub.getState();
  const { state, problem, address } = visit;
  return (
    <div className="hub-download">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void find(kind);
        }}
      >
        <TextInput
          size="xs"
          label="Or download from Hugging Face"
          placeholder={examples[kind]}
          aria-label={`Hugging Face name of the ${kind}`}
          value={address}
          disabled={state === 'downloading'}
          onChange={(event) => write(kind, event.currentTarget.value)}
        />
        <Button
          type="submit"
          size="xs"
          variant="default"
          loading={state === 'looking'}
          disabled={address.trim() === '' || state === 'downloading'}
          aria-label={`Look up the ${kind}`}
        >
          Look up
        </Button>
      </form>
      {address !== '' && <TokenField />}
      {problem !== null && <Problem title="The hub did not give it">{problem}</Problem>}
      {visit.model && <Files kind={kind} visit={visit} blocked={other === 'downloading'} />}
    </div>
  );
}

function Files({ kind, visit, blocked }: { kind: ModelKind; visit: HubVisit; blocked: boolean }) {
  const { model, state, last, cancelling } = visit;
  const { download, cancel } = useHub.getState();
  if (!model) return null;
  const files = model.listing.files.filter(({ path }) => model.chosen.includes(path));
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return (
    <div className="hub-download-files">
      <p>
        <strong>{model.listing.repository}</strong> at {model.listing.commit.slice(0, 7)}: {files.length}{' '}
        files, {formatBytes(size)}
      </p>
      <ul>
        {files.map(({ path, size: bytes }) => (
          <FileLine key={path} path={path} size={bytes} visit={visit} />
        ))}
      </ul>
      <HubProgress
        subject={`the ${kind}`}
        size={size}
        downloading={state === 'downloading'}
        cancelling={cancelling}
        blocked={blocked}
        last={last}
        onDownload={() => void download(kind)}
        onCancel={() => void cancel(kind)}
      />
    </div>
  );
}

function FileLine({ path, size, visit }: { path: string; size: number; visit: HubVisit }) {
  const progress = visit.files[path];
  const done = progress !== undefined && progress.received >= size;
  const left = progress && visit.last?.path === path ? progress.secondsLeft : null;
  return (
    <li>
      <code>{path}</code>
      <span>
        {progress && !done && `${formatBytes(progress.received)} of `}
        {formatBytes(size)}
        {done && ' ✓'}
        {!done && left !== null && visit.state === 'downloading' && `, ${formatDuration(left)} left`}
      </span>
    </li>
  );
}

import { Button, TextInput } from '@mantine/core';
import '../shared/hub-download.css';
import { formatBytes, formatPlural } from '../shared/format.ts';
import { HubProgress } from '../shared/HubProgress.tsx';
import { Problem } from '../shared/Problem.tsx';
import { TokenField } from '../shared/TokenField.tsx';
import { useHubImages } from './hub-images-store.ts';

/** Makes an image set of a data set on a hub: name or address, what is in it, the download. */
export function HubImages() {
  const { address, state, found, problem } = useHubImages();
  const { write, find } = useHubImages.getState();
  return (
    <div className="hub-download">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void find();
        }}
      >
        <TextInput
          size="xs"
          label="Or download a data set from Hugging Face"
          placeholder="owner/name, or the address of a data set or of a folder in it"
          aria-label="Hugging Face data set of images"
          value={address}
          disabled={state === 'downloading'}
          onChange={(event) => write(event.currentTarget.value)}
        />
        <Button
          type="submit"
          size="xs"
          variant="default"
          loading={state === 'looking'}
          disabled={address.trim() === '' || state === 'downloading'}
          aria-label="Look up the data set"
        >
          Look up
        </Button>
      </form>
      {address !== '' && <TokenField />}
      {problem !== null && <Problem title="The hub did not give it">{problem}</Problem>}
      {found && <Found />}
    </div>
  );
}

function Found() {
  const { found, state, last, cancelling } = useHubImages();
  const { download, cancel } = useHubImages.getState();
  const { listing, chosen } = found!;
  const wanted = new Set(chosen);
  const size = listing.files.reduce((sum, file) => sum + (wanted.has(file.path) ? file.size : 0), 0);
  return (
    <div>
      <p>
        <strong>{listing.repository}</strong> at {listing.commit.slice(0, 7)}:{' '}
        {formatPlural(chosen.length, 'image or archive', 'images and archives')}, {formatBytes(size)}
      </p>
      <HubProgress
        subject="the data set"
        size={size}
        downloading={state === 'downloading'}
        cancelling={cancelling}
        last={last}
        onDownload={() => void download()}
        onCancel={() => void cancel()}
      />
    </div>
  );
}

import { Button } from '@mantine/core';
import { IconCloudDownload } from '@tabler/icons-react';
import type { TransferProgress } from '../../../workers/hub-protocol.ts';
import { formatBytes, formatDuration } from './format.ts';

interface HubProgressProps {
  /** What is downloaded, such as `the data set`. */
  subject: string;
  /** Bytes of all its files. */
  size: number;
  downloading: boolean;
  cancelling: boolean;
  /** Whether another download must end first. */
  blocked?: boolean;
  /** The last report; null before a download has begun. */
  last: TransferProgress | null;
  onDownload(): void;
  onCancel(): void;
}

/** A download from a hub: its button, and while it runs how far it is and what ends it. */
export function HubProgress({ subject, size, last, ...props }: HubProgressProps) {
  if (!props.downloading) {
    return (
      <Button
        size="xs"
        disabled={props.blocked ?? false}
        leftSection={<IconCloudDownload size={16} stroke={1.75} />}
        aria-label={`Download ${subject}`}
        onClick={props.onDownload}
      >
        {last ? 'Go on with the download' : 'Download'}
      </Button>
    );
  }
  const total = last?.total;
  return (
    <>
      <p role="status" aria-live="off">
        {formatBytes(total?.received ?? 0)} of {formatBytes(size)}
        {last && last.speed > 0 && `, ${formatBytes(last.speed)} a second`}
        {typeof total?.secondsLeft === 'number' && `, ${formatDuration(total.secondsLeft)} left`}
      </p>
      <progress
        aria-label={`Downloading ${subject}`}
        max={100}
        value={total && total.size > 0 ? (100 * total.received) / total.size : 0}
      />
      <Button
        size="xs"
        variant="default"
        disabled={props.cancelling}
        aria-label={`Cancel the download of ${subject}`}
        onClick={props.onCancel}
      >
        {props.cancelling ? 'Cancelling' : 'Cancel'}
      </Button>
    </>
  );
}

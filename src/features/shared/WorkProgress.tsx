import { Button } from '@mantine/core';
import type { Progress } from '../../../workers/protocol.ts';
import { formatBytes, formatCount, formatDuration } from './format.ts';
import { Spinner } from './Ring.tsx';
import './work-progress.css';

interface WorkProgressProps {
  /** What is going on, such as "Loading the encoder". */
  name: string;
  progress: Progress | null;
  onCancel?: () => void;
  cancelling?: boolean;
}

/** A bar for work of known or unknown length, with what it is doing, how far it is and how long it will take. */
export function WorkProgress({ name, progress, onCancel, cancelling = false }: WorkProgressProps) {
  const known = progress !== null && progress.total > 0;
  const share = known ? Math.min(100, (100 * progress.done) / progress.total) : 0;
  const left = progress?.secondsLeft;
  return (
    <div className="work-progress">
      <div className="work-progress-line">
        <Spinner />
        <span className="work-progress-name">{name}</span>
        <span className="work-progress-detail">
          {progress === null ? 'Starting' : detail(progress)}
          {left !== null && left !== undefined && ` · ${formatDuration(left)} left`}
        </span>
      </div>
      <div
        className={known ? 'work-progress-bar' : 'work-progress-bar work-progress-unknown'}
        role="progressbar"
        aria-label={name}
        aria-valuemin={0}
        aria-valuemax={100}
        {...(known ? { 'aria-valuenow': Math.round(share), 'aria-valuetext': detail(progress) } : {})}
      >
        <div className="work-progress-fill" style={known ? { width: `${share}%` } : undefined} />
      </div>
      {onCancel && (
        <Button
          variant="default"
          size="xs"
          onClick={onCancel}
          disabled={cancelling}
          aria-label={`Cancel: ${name.toLowerCase()}`}
        >
          {cancelling ? 'Cancelling' : 'Cancel'}
        </Button>
      )}
    </div>
  );
}

/** "120 of 1,200 images"; a label of bytes is shown in megabytes. */
function detail({ label, done, total, speed }: Progress): string {
  if (total <= 0) return label;
  return label === 'bytes'
    ? `${formatBytes(done)} of ${formatBytes(total)}${speed ? `, ${formatBytes(speed)} a second` : ''}`
    : `${formatCount(done)} of ${formatCount(total)} ${label}`;
}

import { Button } from '@mantine/core';
import { formatBytes } from '../shared/format.ts';
import { useCheckpoints } from './store.ts';

/** How much of the browser's storage is taken, by checkpoints and by everything else. */
export function StorageBar() {
  const storage = useCheckpoints((state) => state.storage);
  const own = useCheckpoints((state) => state.checkpoints.reduce((sum, { bytes }) => sum + bytes, 0));
  const { persist } = useCheckpoints.getState();
  if (!storage) return null;
  const used = Math.max(storage.used, own);
  const share = (bytes: number) =>
    storage.quota > 0 ? `${Math.min(100, (100 * bytes) / storage.quota)}%` : '0%';
  return (
    <section className="storage" aria-label="Storage">
      <div className="storage-line">
        <span>
          <b>{formatBytes(own)}</b> in checkpoints
        </span>
        <span>
          <b>{formatBytes(used - own)}</b> in images and models
        </span>
        <span className="storage-free">
          {formatBytes(Math.max(0, storage.quota - used))} free for this site
        </span>
        {storage.persistent ? (
          <span>Kept until you clear it</span>
        ) : (
          <Button size="compact-xs" variant="default" onClick={() => void persist()}>
            Ask the browser to keep it
          </Button>
        )}
      </div>
      <meter className="visually-hidden" aria-label="Storage in use" min={0} max={storage.quota} value={used}>
        {formatBytes(used)} of {formatBytes(storage.quota)}
      </meter>
      <div className="storage-bar" aria-hidden="true">
        <div className="storage-own" style={{ width: share(own) }} />
        <div className="storage-other" style={{ width: share(used - own) }} />
      </div>
    </section>
  );
}

import { useElementSize, useMergedRef } from '@mantine/hooks';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef } from 'react';
import type { DuplicateImage } from '../../../workers/protocol.ts';
import { baseName, formatPlural } from '../shared/format.ts';
import { StoredImage } from '../shared/StoredImage.tsx';

const tile = 92;
const gap = 6;

interface ImageGridProps {
  owner: string;
  name: string;
  paths: readonly string[];
  duplicates?: ReadonlyMap<string, DuplicateImage> | undefined;
}

/** Thumbnails of a set; only the rows in sight exist. */
export function ImageGrid({ owner, name, paths, duplicates }: ImageGridProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const { ref, width } = useElementSize<HTMLDivElement>();
  const merged = useMergedRef(scroller, ref);
  const columns = Math.max(1, Math.floor((width + gap) / (tile + gap)));
  const edge = width > 0 ? (width - gap * (columns - 1)) / columns : tile;
  const rows = useVirtualizer({
    count: Math.ceil(paths.length / columns),
    getScrollElement: () => scroller.current,
    estimateSize: () => edge + gap,
    overscan: 4,
  });

  return (
    <section
      ref={merged}
      className="image-grid"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: scrolling by keyboard needs the focus in here
      tabIndex={0}
      aria-label={`${formatPlural(paths.length, 'image')} of ${name}`}
    >
      <ul style={{ height: rows.getTotalSize() }} key={`${owner} ${columns}`}>
        {rows.getVirtualItems().flatMap(({ index: row, start }) =>
          paths.slice(row * columns, (row + 1) * columns).map((path, column) => (
            <li
              key={path}
              aria-setsize={paths.length}
              aria-posinset={row * columns + column + 1}
              title={path}
              style={{
                width: edge,
                height: edge,
                transform: `translate(${column * (edge + gap)}px, ${start}px)`,
              }}
            >
              <StoredImage owner={owner} path={path} alt={baseName(path)} />
              <DuplicateMark image={duplicates?.get(path)} />
            </li>
          )),
        )}
      </ul>
    </section>
  );
}

function DuplicateMark({ image }: { image: DuplicateImage | undefined }) {
  if (!image) return null;
  return <span className="duplicate-mark">{image.mark === 'exact' ? 'same file' : 'looks alike'}</span>;
}

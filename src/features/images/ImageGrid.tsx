import { useElementSize, useMergedRef } from '@mantine/hooks';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useRef } from 'react';
import type { DuplicateImage } from '../../../workers/protocol.ts';
import { baseName, formatPlural } from '../shared/format.ts';
import { Picture } from '../shared/StoredImage.tsx';
import { useThumbnail } from './thumbnails.ts';

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
    // React may draw rows a frame later, rather than within the scroll event.
    useFlushSync: false,
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
        {rows.getVirtualItems().map(({ index, start }) => (
          <Row
            key={index}
            owner={owner}
            paths={paths}
            first={index * columns}
            columns={columns}
            edge={edge}
            top={start}
            duplicates={duplicates}
          />
        ))}
      </ul>
    </section>
  );
}

interface RowProps extends Pick<ImageGridProps, 'owner' | 'paths' | 'duplicates'> {
  /** Index of the row's first image. */
  first: number;
  columns: number;
  edge: number;
  top: number;
}

/** While one scrolls, rows that stay in sight stay as they are. */
const Row = memo(function Row({ owner, paths, first, columns, edge, top, duplicates }: RowProps) {
  return paths.slice(first, first + columns).map((path, column) => (
    <li
      key={path}
      aria-setsize={paths.length}
      aria-posinset={first + column + 1}
      title={path}
      style={{
        width: edge,
        height: edge,
        transform: `translate(${column * (edge + gap)}px, ${top}px)`,
      }}
    >
      <Thumbnail owner={owner} path={path} />
      <DuplicateMark image={duplicates?.get(path)} />
    </li>
  ));
});

function Thumbnail({ owner, path }: { owner: string; path: string }) {
  return <Picture url={useThumbnail(owner, path)} alt={baseName(path)} />;
}

function DuplicateMark({ image }: { image: DuplicateImage | undefined }) {
  if (!image) return null;
  return <span className="duplicate-mark">{image.mark === 'exact' ? 'same file' : 'looks alike'}</span>;
}

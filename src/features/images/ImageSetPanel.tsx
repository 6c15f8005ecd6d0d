import { Button } from '@mantine/core';
import { IconFolderSymlink, IconPackage } from '@tabler/icons-react';
import { useDeferredValue, useEffect, useMemo, useState } from 'react';
import type { ImageSetSummary } from '../../../workers/protocol.ts';
import { DropTarget } from '../shared/DropTarget.tsx';
import { formatBytes, formatPlural } from '../shared/format.ts';
import { Panel } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { WorkProgress } from '../shared/WorkProgress.tsx';
import { HubImages } from './HubImages.tsx';
import { ImageGrid } from './ImageGrid.tsx';
import { SetTools } from './SetTools.tsx';
import { SkippedFiles } from './SkippedFiles.tsx';
import { useImages } from './store.ts';
import { useKeptFolder } from './use-kept-folder.ts';

/** The set on view: its thumbnails, what was skipped, and the way to add another. */
export function ImageSetPanel() {
  const set = useImages((state) => state.sets.find(({ id }) => id === state.set));
  const paths = useImages((state) => (state.set ? state.paths[state.set] : undefined));
  const pathsProblem = useImages((state) => state.pathsProblem);
  const adding = useImages((state) => state.adding);
  const { addImages, addBuiltInImages, cancelAdding, failAdding, loadPaths } = useImages.getState();
  const folder = useKeptFolder();
  const id = set?.id;

  useEffect(() => {
    if (id) void useImages.getState().loadPaths(id);
  }, [id]);

  return (
    <Panel
      title={set?.name ?? 'Image set'}
      aside={set && `${formatPlural(set.count, 'image')} · ${formatBytes(set.bytes)}`}
      className="image-set"
    >
      {adding.state === 'failed' && <Problem title="The images could not be added">{adding.problem}</Problem>}
      {adding.state === 'busy' ? (
        <WorkProgress
          name="Adding images"
          progress={adding.progress}
          cancelling={adding.cancelling}
          onCancel={() => void cancelAdding()}
        />
      ) : (
        <DropTarget
          name="Images"
          title={set ? 'Add another set' : 'Drop a folder of images'}
          compact={set !== undefined}
          withFiles
          onFiles={(files) => void addImages(files)}
          onProblem={failAdding}
          pickFolder={folder.pick}
          actions={
            <>
              {folder.kept && (
                <Button
                  size={set ? 'xs' : 'sm'}
                  variant="default"
                  leftSection={<IconFolderSymlink size={16} stroke={1.75} />}
                  onClick={() => void folder.readAgain()}
                >
                  Read {folder.kept.name} again
                </Button>
              )}
              <Button
                size={set ? 'xs' : 'sm'}
                variant={set ? 'default' : 'filled'}
                leftSection={<IconPackage size={16} stroke={1.75} />}
                aria-label="Use the built-in images"
                onClick={() => void addBuiltInImages()}
              >
                Use built-in
              </Button>
            </>
          }
        >
          {!set && (
            <p>
              PNG, JPEG, WebP, AVIF and GIF, with all folders inside, or a zip or tar archive of them. A few
              hundred are enough to try it; DIVA’s authors used about three million. Files that cannot be read
              are listed and left out.
            </p>
          )}
        </DropTarget>
      )}
      {adding.state !== 'busy' && <HubImages />}
      {set && <SkippedFiles skipped={set.skipped} />}
      {set && pathsProblem !== null && (
        <Problem
          title="The images of this set could not be listed"
          actions={
            <Button size="xs" variant="default" onClick={() => void loadPaths(set.id)}>
              Try again
            </Button>
          }
        >
          {pathsProblem}
        </Problem>
      )}
      {set && paths && <SearchedGrid key={set.id} set={set} paths={paths} />}
      {!set && adding.state !== 'busy' && <TeachingRow />}
    </Panel>
  );
}

function SearchedGrid({ set, paths }: { set: ImageSetSummary; paths: readonly string[] }) {
  const duplicates = useImages((state) => state.duplicates[set.id]);
  const [query, setQuery] = useState('');
  const [onlyDuplicates, setOnlyDuplicates] = useState(false);
  const wanted = useDeferredValue(query.trim().toLowerCase());
  const shown = useMemo(() => {
    const found = wanted === '' ? paths : paths.filter((path) => path.toLowerCase().includes(wanted));
    if (!onlyDuplicates || !duplicates) return found;
    // Images that belong together stand together.
    return found
      .filter((path) => duplicates.has(path))
      .sort((a, b) => duplicates.get(a)!.group - duplicates.get(b)!.group);
  }, [paths, wanted, onlyDuplicates, duplicates]);
  return (
    <>
      <SetTools
        set={set.id}
        shown={shown.length}
        duplicates={duplicates}
        query={query}
        onQuery={setQuery}
        onlyDuplicates={onlyDuplicates}
        onOnlyDuplicates={setOnlyDuplicates}
      />
      <ImageGrid owner={set.id} name={set.name} paths={shown} duplicates={duplicates} />
    </>
  );
}

/** What makes a good set, while there is none. */
function TeachingRow() {
  return (
    <dl className="images-advice">
      <div>
        <dt>Close to your task</dt>
        <dd>The encoder learns to see what these pictures hold. Use images like those it will meet.</dd>
      </div>
      <div>
        <dt>Varied</dt>
        <dd>Different scenes, angles, counts and colours give the teacher something to tell apart.</dd>
      </div>
      <div>
        <dt>Not the benchmark’s</dt>
        <dd>Keep the images you score with out of the set, or the score means nothing.</dd>
      </div>
    </dl>
  );
}

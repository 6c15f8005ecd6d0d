import { useEffect, useState } from 'react';
import type { NamedBlob } from '../../../workers/protocol.ts';
import { problemOf } from '../shared/work.ts';
import { canPickFolders, type KeptFolder, keptFolder, pickFolder } from './kept-folder.ts';
import { useImages } from './store.ts';

/** The folder of the last visit, and the picker that keeps one; neither in browsers that keep no folders. */
export function useKeptFolder(): {
  kept: KeptFolder | undefined;
  pick: (() => Promise<NamedBlob[] | undefined>) | undefined;
  readAgain: () => Promise<void>;
} {
  const [kept, setKept] = useState<KeptFolder>();
  useEffect(() => {
    let current = true;
    void keptFolder().then((folder) => current && setKept(folder));
    return () => {
      current = false;
    };
  }, []);

  return {
    kept,
    pick: canPickFolders()
      ? async () => {
          const folder = await pickFolder();
          if (!folder) return undefined;
          setKept(folder);
          return folder.read();
        }
      : undefined,
    async readAgain() {
      const { addImages, failAdding } = useImages.getState();
      try {
        const files = await kept!.read();
        if (files.length === 0) throw new Error(`${kept!.name} holds no files any more`);
        await addImages(files);
      } catch (error) {
        failAdding(problemOf(error));
      }
    },
  };
}

import { useCheckpoints } from '../features/checkpoints/store.ts';
import { useCompare } from '../features/compare/store.ts';
import { useEvaluate } from '../features/evaluate/store.ts';
import { useImages } from '../features/images/store.ts';
import { useModels } from '../features/models/store.ts';
import { useRefine } from '../features/refine/store.ts';
import { engine } from '../features/shared/engine.ts';
import { useEngineHealth } from '../features/shared/engine-health.ts';
import { problemOf } from '../features/shared/work.ts';

let begun: Promise<void> | undefined;

/** Fills the rooms with what the engine holds from earlier visits, once a page. */
export function restore(): Promise<void> {
  begun ??= Promise.all([
    useModels.getState().askHardware('auto'),
    useRefine.getState().restore(),
    useCheckpoints.getState().restore(),
    useCompare.getState().loadReports(),
    useEvaluate.getState().restore(),
    restoreInventory(),
  ]).then(
    () => {},
    (error) => useEngineHealth.getState().report(problemOf(error)),
  );
  return begun;
}

async function restoreInventory(): Promise<void> {
  const [sets, held] = await Promise.all([engine().listImageSets(), engine().inventory()]);
  useImages.getState().restore(sets, held);
  useModels.getState().restore(held);
}

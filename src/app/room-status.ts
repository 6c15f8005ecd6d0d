import { useCheckpoints } from '../features/checkpoints/store.ts';
import { useCompare } from '../features/compare/store.ts';
import { useEvaluate } from '../features/evaluate/store.ts';
import { useImages } from '../features/images/store.ts';
import { useModels } from '../features/models/store.ts';
import { useRefine } from '../features/refine/store.ts';
import { formatPlural, formatSigned } from '../features/shared/format.ts';

export interface RoomStatus {
  text: string;
  tone: 'empty' | 'ready' | 'busy' | 'problem';
}

/** A line on each room for the rail. */
export function useRoomStatuses() {
  return {
    models: useModelsStatus(),
    images: useImagesStatus(),
    refine: useRefineStatus(),
    compare: useCompareStatus(),
    evaluate: useEvaluateStatus(),
    checkpoints: useCheckpointsStatus(),
  };
}

function useModelsStatus(): RoomStatus {
  const { encoder, teacher, encoders, loading } = useModels();
  if (loading.encoder.state === 'busy' || loading.teacher.state === 'busy')
    return { text: 'Loading', tone: 'busy' };
  if (loading.encoder.state === 'failed' || loading.teacher.state === 'failed') {
    return { text: 'Could not load', tone: 'problem' };
  }
  if (encoder === null && teacher === null) return { text: 'None yet', tone: 'empty' };
  if (encoder === null) return { text: 'Encoder missing', tone: 'empty' };
  if (teacher === null) return { text: 'Teacher missing', tone: 'empty' };
  return { text: encoders.find(({ id }) => id === encoder)?.name ?? 'Ready', tone: 'ready' };
}

function useImagesStatus(): RoomStatus {
  const { set, sets, adding } = useImages();
  if (adding.state === 'busy') return { text: 'Adding', tone: 'busy' };
  if (adding.state === 'failed') return { text: 'Could not add', tone: 'problem' };
  const chosen = sets.find(({ id }) => id === set);
  return chosen
    ? { text: formatPlural(chosen.count, 'image'), tone: 'ready' }
    : { text: 'None yet', tone: 'empty' };
}

function useRefineStatus(): RoomStatus {
  const runs = useRefine((state) => state.runs);
  const live = useRefine((state) => state.live);
  const active = runs.find(({ id, state }) => live[id] && (state === 'running' || state === 'preparing'));
  if (active) return { text: `Step ${active.step} of ${active.config.steps}`, tone: 'busy' };
  const [newest] = runs;
  if (!newest) return { text: 'No runs yet', tone: 'empty' };
  if (newest.state === 'failed') return { text: `${newest.name} failed`, tone: 'problem' };
  return { text: formatPlural(runs.length, 'run'), tone: 'ready' };
}

function useCompareStatus(): RoomStatus {
  const { comparison, work } = useCompare();
  if (work.state === 'busy') return { text: 'Scoring', tone: 'busy' };
  if (work.state === 'failed') return { text: 'Could not score', tone: 'problem' };
  if (!comparison) return { text: 'Nothing scored yet', tone: 'empty' };
  return { text: `${formatSigned(comparison.after.total - comparison.before.total)} points`, tone: 'ready' };
}

function useEvaluateStatus(): RoomStatus {
  const { work, shown } = useEvaluate();
  if (work.state === 'busy') return { text: 'Evaluating', tone: 'busy' };
  if (work.state === 'failed') return { text: 'Could not evaluate', tone: 'problem' };
  return shown
    ? { text: formatPlural(shown.results.length, 'model'), tone: 'ready' }
    : { text: 'Nothing scored yet', tone: 'empty' };
}

function useCheckpointsStatus(): RoomStatus {
  const count = useCheckpoints((state) => state.checkpoints.length);
  return count > 0 ? { text: `${count} kept`, tone: 'ready' } : { text: 'None yet', tone: 'empty' };
}

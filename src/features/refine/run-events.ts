import type { Progress, RunEvent, RunState, RunSummary } from '../../../workers/protocol.ts';

/** What the page knows of a run that it follows, beyond the run's summary. */
export interface Live {
  /** Of the preparation, while that lasts. */
  progress: Progress | null;
  secondsLeft: number | null;
  /** A control was pressed and the engine has not answered yet. */
  asked: boolean;
}

/** Whether a run in this state has come to its end. */
export function isOver(state: RunState): boolean {
  return state === 'finished' || state === 'stopped' || state === 'failed';
}

/** A run and what is known of it after some events. A step repeated after a resume replaces its old record. */
export function withEvents(
  run: RunSummary,
  live: Live | undefined,
  events: readonly RunEvent[],
): { run: RunSummary; live: Live } {
  let next = run;
  let known: Live = live ?? { progress: null, secondsLeft: null, asked: false };
  let steps: RunSummary['steps'] | undefined;
  for (const event of events) {
    switch (event.type) {
      case 'state': {
        const { problem: _, ...rest } = next;
        next = {
          ...rest,
          state: event.state,
          ...(event.problem === undefined ? {} : { problem: event.problem }),
        };
        if (event.state !== 'preparing') known = { ...known, progress: null };
        if (isOver(event.state)) known = { ...known, secondsLeft: null };
        break;
      }
      case 'progress':
        known = { ...known, progress: event.progress };
        break;
      case 'step': {
        steps ??= [...next.steps];
        while (steps.length > 0 && steps.at(-1)!.step >= event.record.step) steps.pop();
        steps.push(event.record);
        next = { ...next, step: event.record.step };
        known = { ...known, secondsLeft: event.secondsLeft };
        break;
      }
      case 'pair':
        if (next.watched) {
          const earlier = next.watched.points.filter(({ step }) => step < event.point.step);
          next = { ...next, watched: { ...next.watched, points: [...earlier, event.point] } };
        }
        break;
      case 'checkpoint':
        break;
    }
  }
  return { run: steps ? { ...next, steps } : next, live: known };
}

import type { Progress } from '../../../workers/protocol.ts';

/** Something that takes a while: not begun, under way, or failed with a message for the person. */
export type Work =
  | { state: 'idle' }
  | { state: 'busy'; progress: Progress | null; cancelling: boolean }
  | { state: 'failed'; problem: string };

export const idle: Work = { state: 'idle' };

export function busy(progress: Progress | null = null): Work {
  return { state: 'busy', progress, cancelling: false };
}

/** The next state of `work` on a progress report; a report that arrives after the end changes nothing. */
export function advance(work: Work, progress: Progress): Work {
  return work.state === 'busy' ? { ...work, progress } : work;
}

/** Marks work as being cancelled. */
export function cancelling(work: Work): Work {
  return work.state === 'busy' ? { ...work, cancelling: true } : work;
}

/** How work ended with `error`: idle when the person had cancelled it, failed otherwise. */
export function ended(work: Work, error: unknown): Work {
  if (work.state === 'busy' && work.cancelling) return idle;
  return { state: 'failed', problem: problemOf(error) };
}

/** The message that an error has for the person. */
export function problemOf(error: unknown): string {
  if (error instanceof Error && error.message) return error.message;
  return typeof error === 'string' && error
    ? error
    : 'Something failed without saying why. Please try again.';
}

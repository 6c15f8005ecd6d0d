/** Where a command reads and writes: the caller's directory and streams, so that commands can be tested whole. */
export interface CommandIo {
  /** Paths on the command line are relative to this directory. */
  directory: string;
  out(text: string): void;
  err(text: string): void;
  /** Shows how far the work is in place of what it showed before; only where a terminal is watched. */
  progress?: ((text: string) => void) | undefined;
  /** Ctrl-C. A command that asks for it ends in its own time and leaves what it keeps whole; others end at once. */
  readonly signal?: AbortSignal | undefined;
  /** Folder for what is kept from one command to the next; without it nothing is. */
  cacheFolder?: string | undefined;
}

/** Exit codes of every command. */
export const exit = { done: 0, failed: 1, refused: 2, usage: 64 } as const;
export type ExitCode = (typeof exit)[keyof typeof exit];

/** The command line does not say what to do; the message says how it should look. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The input was understood and refused; the message names the file and the fix. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

export interface Command {
  /** One line for the overview. */
  summary: string;
  usage: string;
  run(args: string[], io: CommandIo): Promise<void>;
}

import { main } from '../acuity.ts';
import type { CommandIo } from '../io.ts';

/** Runs a command as a person would, and keeps what it says. */
export async function runCommand(
  directory: string,
  ...args: string[]
): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const io: CommandIo = {
    directory,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  };
  const code = await main(args, io);
  return { code, out, err };
}

#!/usr/bin/env node
// Entry of the `acuity` command: installs the packages on first use, then runs the TypeScript sources.
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setup } from '../scripts/setup.mjs';

try {
  await setup();
} catch (error) {
  process.stderr.write(`acuity: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
const { register } = await import('tsx/esm/api');
register();
const { main } = await import('./acuity.ts');
// npm changes to the package's folder; paths on the command line are the caller's.
const directory = process.env.INIT_CWD ?? process.cwd();
const cache = process.env.XDG_CACHE_HOME || (homedir() && join(homedir(), '.cache'));
process.exitCode = await main(process.argv.slice(2), {
  directory,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  // The end of a text tells most; a line that wraps could not be taken back.
  progress: process.stderr.isTTY
    ? (text) => process.stderr.write(`\r\x1b[K${text.slice(-Math.max(20, process.stderr.columns - 1))}`)
    : undefined,
  cacheFolder: cache ? join(cache, 'acuity') : undefined,
  // Listening takes Ctrl-C's own effect away, so only a command that asks for the signal listens, and only once.
  get signal() {
    const interrupt = new AbortController();
    process.once('SIGINT', () => interrupt.abort(new DOMException('cancelled', 'AbortError')));
    return interrupt.signal;
  },
});

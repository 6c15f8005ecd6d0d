// `npm run bench -- [--quick] [--json] [--gpu] [--only NAME]`: Acuity beside other browser libraries and beside
// PyTorch on this machine. Prints a table, or with --json nothing but JSON; progress goes to standard error.
import process from 'node:process';
import { parseArgs } from 'node:util';
import { setup } from '../scripts/setup.mjs';

const say = (line) => process.stderr.write(`bench: ${line}\n`);

function optionsOf(args) {
  const flag = { type: 'boolean', default: false };
  try {
    return parseArgs({ args, options: { quick: flag, json: flag, gpu: flag, only: { type: 'string' } } })
      .values;
  } catch (error) {
    say(error.message);
    return process.exit(64);
  }
}

const options = optionsOf(process.argv.slice(2));
try {
  await setup({ browser: true });
  const { register } = await import('tsx/esm/api');
  register();
  const { bench } = await import('./bench.ts');
  process.exitCode = await bench(options, say);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

import { ModelError } from '../src/onnx/errors.ts';
import { evaluateCommand } from './evaluate.ts';
import { graphCommand } from './graph.ts';
import { inspectCommand } from './inspect.ts';
import { type Command, type CommandIo, type ExitCode, exit, RefusedError, UsageError } from './io.ts';
import { scoreMmvpCommand } from './score-mmvp.ts';

const commands: Readonly<Record<string, Command>> = {
  evaluate: evaluateCommand,
  graph: graphCommand,
  inspect: inspectCommand,
  'score-mmvp': scoreMmvpCommand,
};

/**
 * The `acuity` command. Results go to standard output, one line of explanation to standard error.
 * Returns 0 done, 1 failed, 2 input refused, 64 wrong usage.
 */
export async function main(args: string[], io: CommandIo): Promise<ExitCode> {
  const [name = '', ...rest] = args;
  if (name === '' || name === 'help' || name === '--help' || name === '-h') {
    io.out(overview());
    return name === '' ? exit.usage : exit.done;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) {
    line(io, `unknown command "${name}": one of ${Object.keys(commands).join(', ')}`);
    return exit.usage;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    io.out(`${command.summary}\n\n${command.usage}\n`);
    return exit.done;
  }
  try {
    await command.run(rest, io);
    return exit.done;
  } catch (error) {
    io.progress?.('');
    if (error instanceof UsageError) {
      line(io, `${error.message} (usage: ${command.usage.split('\n')[0]})`);
      return exit.usage;
    }
    if (error instanceof ModelError || error instanceof RefusedError) {
      line(io, error.message);
      return exit.refused;
    }
    if (error instanceof Error && error.name === 'AbortError') {
      line(io, error.message);
      return exit.failed;
    }
    line(io, `failed: ${error instanceof Error ? error.message : String(error)}`);
    return exit.failed;
  }
}

function line(io: CommandIo, text: string): void {
  io.err(`acuity: ${text.replaceAll(/\s*\n\s*/g, ' ')}\n`);
}

function overview(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const rows = Object.entries(commands).map(
    ([name, command]) => `  ${name.padEnd(width)}  ${command.summary}`,
  );
  return `acuity COMMAND [OPTIONS]\n\n${rows.join('\n')}\n\nacuity COMMAND --help tells a command's options.\n`;
}

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { adamw, type Block, epsilon, groups, valuesOf } from './blocks.ts';

interface PytorchTimes {
  gradients: Record<string, number[]>;
  milliseconds: number[];
  setting: string;
}

/** A Python with PyTorch: `ACUITY_PYTHON`, else the first on the path. Undefined when there is none. */
export function findPytorch(): string | undefined {
  const candidates = [process.env['ACUITY_PYTHON'], 'python3', 'python'].filter((one) => one !== undefined);
  return candidates.find(
    (python) => spawnSync(python, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0,
  );
}

/** Trains the block in PyTorch on the processor, in a process of its own. */
export async function runPytorch(
  python: string,
  block: Block,
  steps: number,
  threads: number,
): Promise<PytorchTimes> {
  const folder = mkdtempSync(join(tmpdir(), 'acuity-bench-'));
  try {
    const { weights, input, target } = valuesOf(block);
    for (const [name, values] of Object.entries({ ...weights, input, target })) {
      writeFileSync(join(folder, `${name}.f32`), new Uint8Array(values.buffer));
    }
    writeFileSync(join(folder, 'block.json'), JSON.stringify({ ...block, groups, epsilon, adamw }));
    const script = new URL('pytorch.py', import.meta.url).pathname;
    const child = spawn(python, [script, folder, String(steps), String(threads)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    for await (const chunk of child.stdout) printed += chunk;
    const code = child.exitCode ?? (await new Promise<number>((resolve) => child.once('exit', resolve)));
    if (code !== 0) throw new Error(`${python} pytorch.py ended with ${code}: see the lines above`);
    return JSON.parse(printed) as PytorchTimes;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

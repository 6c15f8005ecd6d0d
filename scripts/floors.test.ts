import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
let planted: string | undefined;

afterEach(() => {
  if (planted) rmSync(planted, { recursive: true, force: true });
});

/** Plants a file in a room and asks the rule about it alone. */
function cruise(room: string, source: string): { status: number | null; output: string } {
  mkdirSync(join(root, room), { recursive: true });
  planted = mkdtempSync(join(root, room, 'planted-'));
  writeFileSync(join(planted, 'planted.ts'), source);
  const config = join(root, '.dependency-cruiser.cjs');
  const { status, stdout } = spawnSync(
    process.execPath,
    [cruiser, '--config', config, planted.slice(root.length)],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  return { status, output: stdout };
}

it('refuses an import that points upwards', () => {
  const { status, output } = cruise('src/onnx', "import '../../autodiff/gradient.ts';\n");
  expect(output).toContain('formats-onnx-not-autodiff');
  expect(status).not.toBe(0);
});

it('refuses a runtime in the pure rooms', () => {
  const { status, output } = cruise('src/autodiff', "import 'onnxruntime-web';\n");
  expect(output).toContain('onnx-and-autodiff-are-pure');
  expect(status).not.toBe(0);
});

it('lets an import point downwards', () => {
  const { status } = cruise('src/autodiff', "import '../../onnx/errors.ts';\n");
  expect(status).toBe(0);
});

// The demo's guard: class zero-shot of the encoder as it came and of the files that the page let us download, by the
// `acuity evaluate` command, on the shipped set of pictures by class, which no training saw.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { root } from './setup.mjs';

/**
 * @param {string} folder where the demo keeps its files; holds the downloaded `refined/model.onnx`
 * @returns {{ before: number, after: number, images: number }} accuracy in percent
 */
export function zeroShotGuard(folder) {
  const classes = join(root, 'public/demo/classes.zip');
  const original = join(root, 'public/models/acuity-clip');
  const refined = join(folder, 'refined-clip');
  cpSync(original, refined, { recursive: true });
  copyFileSync(join(folder, 'refined/model.onnx'), join(refined, 'onnx/vision_model.onnx'));
  const templates = join(folder, 'input', 'templates.txt');
  writeFileSync(templates, 'a photo of a {}\n');
  const report = execFileSync(
    process.execPath,
    [
      join(root, 'cli/bin.mjs'),
      ...['evaluate', '--model', original, '--compare', refined, '--classes', classes],
      ...['--templates', templates, '--mode', 'photo', '--json'],
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const { zeroShot, compare } = JSON.parse(report);
  return { before: zeroShot.top1, after: compare[0].zeroShot.top1, images: zeroShot.images };
}

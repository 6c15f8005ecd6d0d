// The demo's guard: class zero-shot of the encoder as it came and of the files that the page let us download, by the
// `acuity evaluate` command, on the shipped scenes sorted by what they show.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { root } from './setup.mjs';

/**
 * @param {string} images folder of the shipped scenes, named after what they show: animals/cow-132.webp
 * @param {string} folder where the demo keeps its files; holds the downloaded `refined/model.onnx`
 * @returns {{ before: number, after: number, images: number }} accuracy in percent
 */
export function zeroShotGuard(images, folder) {
  const classes = join(folder, 'input', 'classes');
  let count = 0;
  for (const entry of readdirSync(images, { recursive: true, withFileTypes: true })) {
    const kind = /^(.+)-\d+\.\w+$/.exec(entry.name)?.[1];
    if (!entry.isFile() || kind === undefined) continue;
    mkdirSync(join(classes, kind), { recursive: true });
    copyFileSync(join(entry.parentPath, entry.name), join(classes, kind, entry.name));
    count++;
  }
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
  return { before: zeroShot.top1, after: compare[0].zeroShot.top1, images: count };
}

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from './testing/run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'evaluate-'));
const model = fileURLToPath(new URL('../public/models/acuity-clip', import.meta.url));
afterAll(() => rmSync(folder, { recursive: true }));

const put = (path: string, content: Uint8Array | string) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
};

beforeAll(() => {
  const zip = readFileSync(new URL('../public/demo/benchmark.zip', import.meta.url));
  const captions = ['image,caption'];
  const counts = new Map<string, number>();
  for (const [path, bytes] of Object.entries(unzipSync(zip))) {
    if (path.endsWith('/')) continue;
    put(`mmvp/${path}`, bytes);
    const [name, type] = path.split('/').reverse();
    if (!name || !type || path.endsWith('.csv')) continue;
    const count = counts.get(type) ?? 0;
    counts.set(type, count + 1);
    if (count >= 4) continue;
    put(`classes/${type}/${name}`, bytes);
    captions.push(`classes/${type}/${name},"picture ${captions.length}, of ${type}"`);
  }
  put('captions.csv', captions.join('\n'));
  put('templates.txt', 'a photo of {}\na picture of {}\n');
  put('empty/notes.txt', '');
});

const evaluate = (...args: string[]) => runCommand(folder, 'evaluate', '--model', model, ...args);

describe('acuity evaluate', () => {
  it('scores everything in one go and writes the reports', { timeout: 120_000 }, async () => {
    const { code, out, err } = await evaluate(
      ...['--mmvp', 'mmvp', '--classes', 'classes', '--captions', 'captions.csv', '--knn', '--probe'],
      ...['--templates', 'templates.txt', '--compare', model, '--json'],
      ...['--csv', 'r.csv', '--latex', 'r.tex', '--html', 'r.html'],
    );
    expect([code, err]).toEqual([0, '']);
    const result = JSON.parse(out);
    expect(result.mmvp.benchmark).toBe('MMVP-VLM');
    expect(result.mmvp.pairs).toHaveLength(135);
    const right = result.mmvp.pairs.filter(Boolean).length;
    // Patterns of equal size: the mean over patterns is the share of pairs.
    expect(result.mmvp.total).toBeCloseTo((100 * right) / 135, 3);
    expect([result.mode, result.data.mmvp]).toEqual(['reference', expect.stringMatching(/^[0-9a-f]{16}$/)]);
    expect(result.zeroShot.images).toBe(36);
    expect(result.knn).toMatchObject({ neighbours: 20, train: 27, test: 9 });
    expect(result.probe.accuracy).toBeGreaterThanOrEqual(0);
    expect(result.retrieval.textToImage.queries).toBe(36);
    expect(result.compare[0].against.mmvp.verdict).toBe('Not one pair changed.');
    expect(result.compare[0].against.guard).toMatchObject({ change: 0, passed: true });
    expect(readFileSync(join(folder, 'r.html'), 'utf8')).toMatch(/data:image\/(png|jpeg|webp);base64,/);
    expect(readFileSync(join(folder, 'r.csv'), 'utf8')).toContain('MMVP-VLM,Total');
    expect(readFileSync(join(folder, 'r.tex'), 'utf8')).toContain('\\begin{tabular}');
  });

  it.each<[string, string[], number, RegExp]>([
    ['nothing to evaluate on', [], 64, /give --mmvp, --classes, --captions, --segmentation or --blind-pairs/],
    ['k-NN without classes', ['--mmvp', 'mmvp', '--knn'], 64, /need --classes/],
    ['another mode', ['--mmvp', 'mmvp', '--mode', 'x'], 64, /reference or photo, not "x"/],
    ['a folder that is none', ['--mmvp', 'none'], 2, /ENOENT/],
    ['a folder without a benchmark', ['--mmvp', 'empty'], 2, /No Questions\.csv/],
    ['a folder without classes', ['--classes', 'empty'], 2, /one folder for each class/],
    ['templates without a place', ['--mmvp', 'mmvp', '--templates', 'captions.csv'], 2, /no \{\}/],
  ])('%s: the exit code and one line', async (_, args, expected, message) => {
    const { code, out, err } = await evaluate(...args);
    expect([code, out, err]).toEqual([expected, '', expect.stringMatching(message)]);
    expect(err.split('\n')).toHaveLength(2);
  });

  it('leaves unreadable images out, lists them, and tells of captions that are too long', async () => {
    const names = ['a', 'b', 'c'].map((name) => `few/${name}.png`);
    for (const [i, name] of names.entries()) put(name, i === 1 ? new Uint8Array() : onePixel(9 * i));
    put(
      'few/captions.csv',
      `image,caption\n${names.map((n) => `${n.slice(4)},"dog ${'big '.repeat(90)}"`).join('\n')}`,
    );
    const { code, out, err } = await evaluate('--captions', 'few/captions.csv', '--json');
    const { skipped, retrieval, warnings } = JSON.parse(out);
    expect([code, skipped.map(({ path }: { path: string }) => path)]).toEqual([0, ['b.png']]);
    expect([retrieval.imageToText.queries, retrieval.textToImage.queries]).toEqual([2, 2]);
    expect(warnings[0]).toMatch(/has \d+ tokens; the model reads 77/);
    expect(err).toMatch(/1 image was left out: b\.png: /);
  });

  it('segments by the label list and scores against the masks', { timeout: 60_000 }, async () => {
    const [picture] = Object.entries(
      unzipSync(readFileSync(new URL('../public/demo/benchmark.zip', import.meta.url))),
    )
      .filter(([path]) => /\.(jpe?g|png|webp)$/.test(path))
      .map(([, bytes]) => ({ bytes }));
    // A whole mask of one class: the share of its pixels that are predicted so is both its IoU and the accuracy.
    const mask = onePixel(2);
    put('ade/images/validation/a.jpg', picture!.bytes);
    put('ade/annotations/validation/a.png', mask);
    put('ade/objectInfo150.txt', 'Idx\tName\n1\tdog\n2\tcat\n3\tball\n');
    const { code, out, err } = await evaluate(
      '--segmentation',
      'ade',
      '--templates',
      'templates.txt',
      '--json',
    );
    expect([code, err]).toEqual([0, '']);
    const { segmentation } = JSON.parse(out);
    expect(segmentation.classes.map(({ name }: { name: string }) => name)).toEqual(['dog', 'cat', 'ball']);
    expect([0, 100]).toContain(segmentation.pixelAccuracy);
    expect(segmentation.classes[1].iou).toBe(segmentation.pixelAccuracy);
    put('ade/annotations/validation/a.png', onePixel(9));
    const refused = await evaluate('--segmentation', 'ade', '--templates', 'templates.txt');
    expect([refused.code, refused.err]).toEqual([2, expect.stringMatching(/class 8, but 3 labels/)]);
  });

  it('refuses a folder that holds no model', async () => {
    const { code, err } = await runCommand(folder, 'evaluate', '--model', 'empty', '--mmvp', 'mmvp');
    expect([code, err]).toEqual([2, expect.stringMatching(/holds no onnx\/vision_model\.onnx/)]);
  });
});

/** A grey PNG of one pixel. */
function onePixel(value: number): Uint8Array {
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const sizes = Buffer.alloc(8);
    sizes.writeUInt32BE(data.length, 0);
    sizes.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([sizes.subarray(0, 4), body, sizes.subarray(4)]);
  };
  const header = Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.from([0, value]))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

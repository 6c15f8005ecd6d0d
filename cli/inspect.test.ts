import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { asModel } from '../src/onnx/as-model.ts';
import { GraphBuilder } from '../src/onnx/builder.ts';
import { encodeModel } from '../src/onnx/encode.ts';
import { addInput, addOutput, emptyGraph } from '../src/onnx/graft.ts';
import { collect } from '../src/onnx/parts.ts';
import { runCommand } from './testing/run-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'inspect-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A CLIP vision tower whose sizes are all open; made by tools/reference/merged.py. */
const fixtures = fileURLToPath(new URL('../tools/reference/fixtures/merged', import.meta.url));
const vision = ['vision_model.onnx', '--shape', 'pixel_values=2,3,SIZE,SIZE'];

async function write(name: string, build: (b: GraphBuilder) => string): Promise<void> {
  const b = new GraphBuilder(emptyGraph(name, 21));
  addOutput(b, build(b));
  writeFileSync(join(folder, name), await collect(encodeModel(asModel(b.graph)).parts));
}

describe('acuity inspect', () => {
  it('tells what a vision tower is and what training it takes', async () => {
    const { code, out, err } = await runCommand(
      fixtures,
      'inspect',
      ...vision.map((arg) => arg.replaceAll('SIZE', '64')),
      '--json',
    );
    expect([code, err]).toEqual([0, '']);
    const report = JSON.parse(out);
    expect(report).toMatchObject({
      file: 'vision_model.onnx',
      family: 'vision transformer with a class token',
      inputs: [{ name: 'pixel_values', dtype: 'float32', shape: [2, 3, 64, 64] }],
      refusals: [],
    });
    expect(report.tokens.shape).toHaveLength(3);
    expect(
      report.operators.every((entry: { rule: boolean; webgpu: boolean }) => entry.rule && entry.webgpu),
    ).toBe(true);
    const { forward, training, recomputed } = report.memory;
    expect(forward).toBeLessThan(training);
    expect(recomputed).toBeLessThanOrEqual(training);
    expect(report.parameters.bytes).toBe(4 * report.parameters.elements);
  });

  it('says the same in words', async () => {
    const { code, out } = await runCommand(
      fixtures,
      'inspect',
      ...vision.map((arg) => arg.replaceAll('SIZE', '64')),
    );
    expect(code).toBe(0);
    expect(out).toMatch(/^vision_model\.onnx: vision transformer with a class token, opset \d+, by pytorch/);
    expect(out).toMatch(/ {2}parameters [\d,]+ in \d+ tensors/);
    expect(out).toMatch(/\d+ {2}MatMul\n/);
  });

  it('reports what stands in the way', async () => {
    await write('steps.onnx', (b) => b.op('Floor', [b.op('Selu', [addInput(b, 'x', 'float32', [2, 3])])]));
    const { code, out } = await runCommand(folder, 'inspect', 'steps.onnx', '--json');
    expect(code).toBe(0);
    const { refusals, memory, family } = JSON.parse(out);
    expect(family).toBe('unknown');
    expect(memory.training).toBe(null);
    expect(refusals).toEqual([
      expect.stringMatching(/would leave the GPU: Selu has no kernel \(node /),
      expect.stringMatching(/cannot be differentiated: Floor is a step function/),
    ]);
  });

  it.each<[string, string[], number, RegExp]>([
    ['a file that is no model', ['junk.onnx'], 2, /junk\.onnx/],
    ['a missing file', ['none.onnx'], 2, /cannot read none\.onnx/],
    ['no file', [], 64, /0 models named/],
    ['an unknown option', ['junk.onnx', '--verbose'], 64, /--verbose/],
  ])('%s: the exit code and one line', async (_, args, expected, message) => {
    writeFileSync(join(folder, 'junk.onnx'), 'this is\nno model\n');
    const { code, out, err } = await runCommand(folder, 'inspect', ...args);
    expect([code, out, err]).toEqual([expected, '', expect.stringMatching(message)]);
    expect(err.match(/\n/g)).toHaveLength(1);
  });

  it('refuses sizes that are not known, naming the option that gives them', async () => {
    const { code, err } = await runCommand(fixtures, 'inspect', 'vision_model.onnx');
    expect([code, err]).toEqual([2, expect.stringMatching(/^acuity: .*--shape pixel_values=.*\n$/)]);
  });

  it('plans what refining takes, and names the cheaper ways when it does not fit', async () => {
    const models = fileURLToPath(new URL('../public/models', import.meta.url));
    const plan = (...args: string[]) =>
      runCommand(
        models,
        'inspect',
        'acuity-clip',
        '--plan',
        'acuity-diffusion',
        '--preset',
        'quick',
        ...args,
      );
    const { memory, pass } = JSON.parse((await plan('--json')).out);
    expect(memory.obstacles).toEqual([]);
    expect(pass.products).toBeGreaterThan(1e8);
    const tight = await plan('--memory', `${Math.floor(memory.peak / 1e6)}MB`);
    expect(tight.out).toMatch(/peak +[\d.]+ MB: does not fit/);
    expect(tight.out).toMatch(/LoRA, rank 16 +[\d.]+ MB: fits/);
    const least = JSON.parse(
      (
        await plan(
          ...['--precision', 'float16', '--recompute', '--train', 'lora-4', '--optimizer', 'sgd'],
          ...['--no-drift', '--release-autoencoder', '--batch', '1', '--json'],
        )
      ).out,
    ).memory;
    expect(least.peak).toBeLessThan(memory.peak / 2);
    expect(least.weightsByType.float16).toBeGreaterThan(least.weightsByType.float32);
    expect(least).toMatchObject({ reference: 0, masters: 0 });
    expect((await plan('--precision', 'int8')).code).toBe(64);
    expect((await plan('--train', 'lora')).code).toBe(64);
    expect((await runCommand(models, 'inspect', 'acuity-clip', '--recompute')).code).toBe(64);
    expect((await plan('--preset', 'none')).code).toBe(64);
    expect((await runCommand(models, 'inspect', 'acuity-clip', '--plan', 'nowhere')).code).toBe(2);
  });
});

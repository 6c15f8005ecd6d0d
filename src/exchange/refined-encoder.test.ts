import { describe, expect, it } from 'vitest';
import { readModel } from '../onnx/decode.ts';
import { collect } from '../onnx/parts.ts';
import { bytesSource } from '../onnx/sources.ts';
import { refinedEncoder } from './refined-encoder.ts';
import { splitShared } from './split-shared.ts';
import { bytesOf, exported, exportedSource } from './testing/clip-files.ts';

describe('refinedEncoder', () => {
  it.each([
    ['the file that came', 'script-14'],
    ['the file of a tower whose shared weights were parted', 'merged'],
  ])('writes replaced weights into %s, and refuses one that it has not', async (_, variant) => {
    const file = { vision: await exported(variant), visionSource: exportedSource(variant) };
    const folder = { ...file, external: new Map() };
    const vision = splitShared(folder.vision);
    expect(vision === folder.vision).toBe(variant !== 'merged');
    const [name, tensor] = [...vision.graph.initializers].find(
      ([, { dtype, shape }]) => dtype === 'float32' && shape.length === 2,
    )!;
    const other = (await bytesOf(tensor)).map((byte) => byte ^ 1);
    const write = (replaced: Map<string, Uint8Array>) => refinedEncoder(vision, folder, replaced);
    const { parts } = await write(new Map([[name, other]]));
    const again = await readModel(bytesSource('again.onnx', await collect(parts)));
    expect(await bytesOf(again.graph.initializers.get(name)!)).toEqual(other);

    const strange = new Map([
      [name, other],
      ['gone.weight', other],
    ]);
    await expect(write(strange)).rejects.toThrow(
      new RegExp(`no such weight.*${variant}\\.onnx.*"gone\\.weight".*trained on this very file`),
    );
  });
});

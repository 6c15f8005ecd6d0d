import { describe, expect, it } from 'vitest';
import { readModel } from './decode.ts';
import { blobSource, bytesSource } from './sources.ts';
import { describeModel } from './testing/describe-model.ts';
import { fileBytes, pythonSays } from './testing/model-files.ts';

const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);

describe.each([
  ['bytesSource', bytesSource('numbers.bin', bytes)],
  ['blobSource', blobSource('numbers.bin', new Blob([bytes]))],
])('%s', (_, source) => {
  it('reads any range and no more', async () => {
    expect(source.size).toBe(100);
    expect([...(await source.read(10, 3))]).toEqual([10, 11, 12]);
    expect([...(await source.read(97, 3))]).toEqual([97, 98, 99]);
    expect((await source.read(100, 0)).length).toBe(0);
  });

  it('rejects a range that passes an end', async () => {
    await expect(source.read(98, 3)).rejects.toThrow(
      'Bytes 98 to 101 of numbers.bin are asked for, which has 100',
    );
    await expect(source.read(-1, 3)).rejects.toThrow(RangeError);
    await expect(source.read(3, -1)).rejects.toThrow(RangeError);
  });
});

it('a model reads the same from a Blob', async () => {
  const blob = new Blob([fileBytes('torchscript-block.onnx').slice()]);
  const model = await readModel(blobSource('dropped.onnx', blob));
  expect(await describeModel(model)).toEqual(pythonSays('torchscript-block'));
});

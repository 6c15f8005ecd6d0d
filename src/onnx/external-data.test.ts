import { describe, expect, it } from 'vitest';
import type { ByteSource } from './model.ts';
import { bytesSource } from './sources.ts';
import { readBytes, refusal, relu } from './testing/refusal.ts';
import { message, type WireField } from './testing/wire.ts';

describe('external data', () => {
  const data = bytesSource(
    'data.bin',
    Uint8Array.from({ length: 100 }, (_, i) => i),
  );
  const tensor = (...entries: [string, string][]) =>
    relu([
      5,
      message(
        [1, 4],
        [2, 1],
        [8, 'w'],
        [14, 1],
        ...entries.map(([key, value]): WireField => [13, message([1, key], [2, value])]),
      ),
    ]);
  const given = new Map([['data.bin', data]]);
  const bytes = async (names: ReadonlyMap<string, ByteSource>, ...entries: [string, string][]) => {
    const model = await readBytes(tensor(...entries), names);
    const { data: found } = model.graph.initializers.get('w')!;
    return found.kind === 'bytes' ? [...found.bytes] : found;
  };
  const from = (offset: number) => Array.from({ length: 16 }, (_, i) => offset + i);

  it('is found by name, by path and by the last part of a path', async () => {
    const at: [string, string][] = [
      ['offset', '8'],
      ['length', '16'],
      ['checksum', 'abc'],
    ];
    expect(await bytes(given, ['location', 'data.bin'], ...at)).toEqual(from(8));
    expect(await bytes(given, ['location', './data.bin'])).toEqual(from(0));
    expect(await bytes(given, ['location', 'weights/data.bin'])).toEqual(from(0));
    const other = bytesSource('data.bin', new Uint8Array(16));
    const two = new Map([
      ['model/a/data.bin', other],
      ['model/b/data.bin', data],
    ]);
    expect(await bytes(two, ['location', 'b/data.bin'])).toEqual(from(0));
  });

  it('names the file that is missing', async () => {
    const error = await refusal(tensor(['location', 'unet/weights.pb']), given);
    expect(error.message).toContain('"unet/weights.pb", which was not given');
    expect(error.fix).toBe('Add weights.pb together with hostile.onnx');
  });

  it('does not choose between two files of the same name', async () => {
    const two = new Map([
      ['a/data.bin', data],
      ['b/data.bin', data],
    ]);
    expect((await refusal(tensor(['location', 'data.bin']), two)).message).toContain('was not given');
  });

  for (const location of [
    '/etc/passwd',
    '../data.bin',
    'a/../data.bin',
    '..',
    '.',
    '',
    'C:data.bin',
    'C:\\data.bin',
    '..\\data.bin',
    'a\\data.bin',
    'file:///data.bin',
    'https://example.org/data.bin',
    'data.bin\0',
    '*/_ORT_MEM_ADDR_/*/../x',
  ]) {
    it(`refuses the location ${JSON.stringify(location)}`, async () => {
      const names = new Map([...given, [location, data]]);
      expect((await refusal(tensor(['location', location]), names)).message).toContain(
        'not a plain relative path',
      );
    });
  }

  const ranges: [what: string, entries: [string, string][], problem: RegExp][] = [
    ['an offset beyond the end', [['offset', '90']], /bytes 90 to 106 of data.bin, which has 100/],
    ['an offset that overflows', [['offset', '9223372036854775807']], /which has 100/],
    ['a negative offset', [['offset', '-16']], /offset "-16"/],
    ['an offset in hexadecimal', [['offset', '0x10']], /offset "0x10"/],
    ['an offset of a thousand digits', [['offset', '9'.repeat(1000)]], /offset "9{40}"/],
    ['a length of petabytes', [['length', '1125899906842624']], /needs 16 bytes but its external data has/],
    ['an unknown key', [['basepath', '/']], /unknown key "basepath"/],
    [
      'a key twice',
      [
        ['offset', '0'],
        ['offset', '4'],
      ],
      /"offset" twice/,
    ],
  ];
  for (const [what, entries, problem] of ranges) {
    it(`refuses ${what}`, async () => {
      expect((await refusal(tensor(['location', 'data.bin'], ...entries), given)).message).toMatch(problem);
    });
  }
});

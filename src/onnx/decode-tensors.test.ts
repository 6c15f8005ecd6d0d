import { describe, expect, it } from 'vitest';
import { readBytes, refusal, relu } from './testing/refusal.ts';
import { floatTensor, floatValue, message, node, type WireField } from './testing/wire.ts';

const four = new Uint8Array(16);

describe('tensors', () => {
  const tensor = (...fields: WireField[]) => relu([5, message([8, 'w'], ...fields)]);
  const cases: [what: string, bytes: Uint8Array, problem: RegExp][] = [
    ['too few bytes', relu([5, floatTensor('w', [5], four)]), /holds 16 bytes instead of 20/],
    ['too many bytes', relu([5, floatTensor('w', [3], four)]), /holds 16 bytes instead of 12/],
    ['no elements', tensor([1, 2], [2, 1]), /holds none/],
    ['a negative axis', relu([5, floatTensor('w', [-4], four)]), /axis of size -4/],
    ['an enormous axis', relu([5, floatTensor('w', [2n ** 62n], four)]), /axis of size 4611686018427387904/],
    [
      'axes whose product overflows',
      relu([5, floatTensor('w', Array(8).fill(2 ** 31 - 1), four)]),
      /elements/,
    ],
    [
      'an enormous axis beside an empty one',
      relu([5, floatTensor('w', [0, 2n ** 40n], new Uint8Array(0))]),
      /axis of size/,
    ],
    ['65 axes', relu([5, floatTensor('w', Array(65).fill(1), four.slice(0, 4))]), /65 axes/],
    ['no element type', tensor([1, 4], [9, four]), /type number 0/],
    ['an unknown element type', tensor([1, 4], [2, 77], [9, four]), /type number 77/],
    [
      'a quantised element type',
      tensor([1, 32], [2, 22], [9, four]),
      /type int4 .*"w".*without quantisation/,
    ],
    ['segments', tensor([1, 4], [2, 1], [9, four], [3, message([1, 0])]), /segments/],
    ['elements in two fields', tensor([1, 4], [2, 1], [9, four], [4, four]), /raw_data and float_data/],
    [
      'elements in the field of another type',
      tensor([1, 4], [2, 1], [5, 1], [5, 1], [5, 1], [5, 1]),
      /float32 tensor has its elements in int32_data/,
    ],
    ['too many varints', tensor([1, 1], [2, 6], [5, new Uint8Array([1, 2])]), /does not hold 1 elements/],
    ['too few varints', tensor([1, 3], [2, 6], [5, new Uint8Array([1, 2])]), /holds 8 bytes instead of 12/],
    ['a varint cut off', tensor([1, 1], [2, 6], [5, new Uint8Array([0x80])]), /does not hold 1 elements/],
    [
      'float_data of an uneven length',
      tensor([1, 1], [2, 1], [4, new Uint8Array(5)]),
      /5 bytes instead of 4/,
    ],
    ['too few strings', tensor([1, 2], [2, 8], [6, 'a']), /2 strings holds 1/],
    [
      'a sparse initialiser',
      relu([15, message([1, floatTensor('thin', [4], four)])]),
      /sparse tensor .*"thin"/,
    ],
    [
      'a sparse attribute',
      relu([1, node('Constant', [], ['z'], [5, message([1, 'sparse_value'], [20, 11])])]),
      /"sparse_value" has the type number 11/,
    ],
    [
      'an input that is a sequence',
      relu([11, message([1, 's'], [2, message([4, message()])])]),
      /not a tensor .*"s"/,
    ],
    ['an input larger than any memory', relu([11, floatValue('s', 2n ** 50n)]), /too large/],
  ];
  for (const [what, bytes, problem] of cases) {
    it(`refuses ${what}`, async () => {
      expect((await refusal(bytes)).message).toMatch(problem);
    });
  }

  it('reads elements behind tags of their own', async () => {
    const ints = [0, -1, 2 ** 31 - 1, -(2 ** 31)];
    const model = await readBytes(tensor([1, 4], [2, 6], ...ints.map((value): WireField => [5, value])));
    const { data } = model.graph.initializers.get('w')!;
    expect(data.kind === 'bytes' && [...new Int32Array(data.bytes.buffer)]).toEqual(ints);
  });

  it('reads elements in several packed runs', async () => {
    const model = await readBytes(tensor([1, 3], [2, 7], [7, new Uint8Array([1, 2])], [7, 3]));
    const { data } = model.graph.initializers.get('w')!;
    expect(data.kind === 'bytes' && [...new BigInt64Array(data.bytes.buffer)]).toEqual([1n, 2n, 3n]);
  });

  it('reads varints that straddle the pieces in which a long run is read', async () => {
    const values = Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 2_000_000_000);
    const coded = Buffer.concat(values.map((value) => message([1, value]).subarray(1)));
    const model = await readBytes(tensor([1, values.length], [2, 6], [5, new Uint8Array(coded)]));
    const { data } = model.graph.initializers.get('w')!;
    expect(data.kind === 'bytes' && [...new Int32Array(data.bytes.buffer)]).toEqual(values);
  });
});

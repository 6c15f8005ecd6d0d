import { describe, expect, it } from 'vitest';
import { UnsupportedModelError } from './errors.ts';
import { limits } from './limits.ts';
import { readBytes, refusal, relu } from './testing/refusal.ts';
import { floatTensor, message, node } from './testing/wire.ts';

const four = new Uint8Array(16);

describe('the wire format', () => {
  const cases: [what: string, bytes: Uint8Array, problem: RegExp][] = [
    ['an empty file', new Uint8Array(0), /no graph/],
    ['text', new TextEncoder().encode('<!doctype html><title>Not found</title>'), /damaged|wire type/],
    ['a zip archive', new Uint8Array([0x50, 0x4b, 3, 4, 20, 0, 0, 0, 8, 0]), /damaged|wire type/],
    ['a number of 11 bytes', new Uint8Array([0x08, ...Array(11).fill(0xff), 1]), /more than 10 bytes/],
    ['field number 0', new Uint8Array([0x00, 0x01]), /damaged/],
    ['a group', new Uint8Array([0x3b, 0x3c]), /damaged/],
    ['wire type 7', new Uint8Array([0x3f, 0x01]), /damaged/],
    ['a length beyond 2^63', new Uint8Array([0x3a, ...Array(9).fill(0xff), 1]), /cut short/],
    ['two graphs', message([7, message()], [7, message()]), /graph comes twice/],
    ['a number where a message belongs', message([7, 5]), /graph has wire type 0/],
    ['bytes where a number belongs', message([1, 'x']), /irVersion has wire type 2/],
    [
      'raw_data twice',
      relu([5, message([1, 4], [2, 1], [8, 'w'], [9, four], [9, four])]),
      /raw_data comes twice/,
    ],
    [
      'text that is not UTF-8',
      relu([2, new Uint8Array([0xff, 0xfe])]),
      /UTF-8|encoded data|not a well-formed/,
    ],
    ['IR version 0', message([7, message()]), /IR version 0/],
    ['IR version 99', message([1, 99], [7, message()]), /IR version 99/],
  ];
  for (const [what, bytes, problem] of cases) {
    it(`refuses ${what}`, async () => {
      expect((await refusal(bytes)).message).toMatch(problem);
    });
  }

  it('takes no notice of a field that only the reader itself may set', async () => {
    const forged = message([1, 4], [2, 1], [8, 'w'], [536_870_911, 0]);
    const real = floatTensor('v', [4], four);
    expect((await refusal(relu([5, real], [5, forged]))).message).toMatch(/holds none .*"w"/);
  });

  it('skips unknown fields', async () => {
    const model = await readBytes(relu([999, 'later'], [998, 3]));
    expect(model.graph.nodes.map(({ op }) => op)).toEqual(['Relu']);
  });

  it('bounds the nesting of subgraphs', async () => {
    let graph = message([1, node('Relu', ['x'], ['y'])], [12, message([1, 'y'])]);
    for (let depth = 0; depth < 2000; depth++) {
      graph = message([1, node('If', ['x'], ['y'], [5, message([1, 'then_branch'], [20, 5], [6, graph])])]);
    }
    expect((await refusal(message([1, 8], [7, graph]))).message).toMatch(/levels deep/);
  });

  it('bounds names', async () => {
    const error = await refusal(relu([1, node('Relu', ['x'], ['z'.repeat(limits.nameBytes + 1)])]));
    expect(error).toBeInstanceOf(UnsupportedModelError);
    expect(error.message.length).toBeLessThan(500);
  });
});

import { describe, expect, it } from 'vitest';
import { type Fingerprint, findDuplicates } from './duplicates.ts';
import { holdOut } from './split.ts';
import { hashed } from './testing/pictures.ts';

const hex = (value: bigint) => value.toString(16).padStart(16, '0');
const image = (sha256: string, dhash: bigint, grey = 100): Fingerprint => ({
  sha256,
  dhash: hex(dhash),
  colour: [grey, grey, grey],
});

/** Random hashes, each other one a copy of the one before with some bits changed. */
function crowd(count: number): Fingerprint[] {
  const words = hashed(11, 2 * count);
  let last = 0n;
  return Array.from({ length: count }, (_, i) => {
    if (i % 3 === 2) for (let bit = 0; bit <= i % 7; bit++) last ^= 1n << BigInt((i * 31 + bit * 11) % 64);
    else last = (BigInt(words[2 * i]!) << 32n) | BigInt(words[2 * i + 1]!);
    return image(String(i), last);
  });
}

describe('findDuplicates', () => {
  it('marks equal contents and near looks, and puts duplicates of duplicates together', () => {
    const { group, mark } = findDuplicates([
      image('a', 0xffn),
      image('b', 0xff00000000000000n),
      image('a', 0xffn),
      image('c', 0xf0n),
      image('d', 0n),
      image('e', 0xffn, 200),
    ]);
    expect(mark).toEqual(['exact', 'none', 'exact', 'near', 'near', 'none']);
    // d is eight bits from a, and four from c.
    expect([...group]).toEqual([0, 1, 0, 0, 0, 5]);
  });

  it('finds exactly the pairs that comparing all with all finds', () => {
    const all = crowd(600);
    const ones = (value: bigint) => [...value.toString(2)].filter((bit) => bit === '1').length;
    const paired = all.map(({ dhash }, i) =>
      all.some((other, j) => j !== i && ones(BigInt(`0x${dhash}`) ^ BigInt(`0x${other.dhash}`)) <= 4),
    );
    expect(findDuplicates(all).mark.map((mark) => mark === 'near')).toEqual(paired);
    expect(paired.filter(Boolean).length).toBeGreaterThan(100);
  });
});

describe('holdOut', () => {
  const images = Array.from({ length: 1000 }, (_, i) => ({
    sha256: `x${i}`,
    group: i < 900 ? i : 900 + (i % 20),
  }));

  it('holds the share out and keeps duplicates together', async () => {
    const held = await holdOut(images, 0.2, 1);
    expect(held.filter(Boolean).length).toBeGreaterThan(190);
    expect(held.filter(Boolean).length).toBeLessThan(210);
    for (let group = 900; group < 920; group++) {
      const members = held.filter((_, i) => images[i]!.group === group);
      expect(new Set(members).size).toBe(1);
    }
  });

  it('depends on contents and seed alone', async () => {
    const held = await holdOut(images, 0.3, 7);
    const backwards = await holdOut([...images].reverse(), 0.3, 7);
    expect(backwards.reverse()).toEqual(held);
    expect(await holdOut(images, 0.3, 8)).not.toEqual(held);
  });
});

/** Numbers in [0, below), the same for the same seed (mulberry32). */
export function randomInts(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Bytes that mean something to a protobuf reader: ends of ranges, long varints, common tags. */
const loaded = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x08, 0x0a, 0x12, 0x22, 0x2a, 0x3a, 0x4a, 0x6a, 0x7a];

/**
 * A damaged copy of a file. Half of the copies keep every byte's place, so that the damage gets past the lengths that
 * hold a protobuf together; the others lose, repeat or gain bytes too, or end early.
 */
export function mutate(file: Uint8Array, random: (below: number) => number): Uint8Array {
  let bytes = Array.from(file);
  const kinds = random(2) === 0 ? 3 : 6;
  for (let times = 1 + random(8); times > 0 && bytes.length > 0; times--) {
    const at = random(bytes.length);
    const length = 1 + random(Math.min(64, bytes.length - at));
    switch (random(kinds)) {
      case 0:
        bytes[at] = random(256);
        break;
      case 1:
        bytes[at] = loaded[random(loaded.length)]!;
        break;
      case 2:
        bytes[at] = bytes[at]! ^ (1 << random(8));
        break;
      case 3:
        bytes.splice(at, length);
        break;
      case 4:
        bytes.splice(at, 0, ...bytes.slice(at, at + length));
        break;
      default:
        bytes =
          random(4) === 0
            ? bytes.slice(0, at)
            : bytes.toSpliced(at, 0, ...Array.from({ length: 10 }, () => 0xff));
    }
  }
  return Uint8Array.from(bytes);
}

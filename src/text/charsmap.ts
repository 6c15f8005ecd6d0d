/**
 * sentencepiece's own normalisation: a table of replacements, compiled into a trie over UTF-8 bytes
 * (google/sentencepiece, src/normalizer.cc; the trie is darts-clone's double array). Unicode's NFKC alone gives other
 * results for joiners and for some marks.
 *
 * @param charsmap `precompiled_charsmap` of a tokenizer.json, decoded from base64: the trie's bytes as uint32, the trie, then
 *   the replacements, each ended by a zero byte
 * @throws Error when the table is cut short
 */
export function charsmapNormalizer(charsmap: Uint8Array): (text: string) => string {
  const view = new DataView(charsmap.buffer, charsmap.byteOffset, charsmap.byteLength);
  const trieBytes = charsmap.length >= 4 ? view.getUint32(0, true) : 0;
  if (trieBytes < 4 || trieBytes % 4 !== 0 || trieBytes + 4 > charsmap.length) {
    throw new Error('tokenizer.json: precompiled_charsmap is cut short. Download the file again');
  }
  const units = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  const replacements = charsmap.subarray(4 + trieBytes);

  /** The longest entry that begins at `from`, and where its replacement lies; undefined where none does. */
  function longest(bytes: Uint8Array, from: number): { length: number; value: number } | undefined {
    let found: { length: number; value: number } | undefined;
    let node = childrenOf(units[0]!);
    for (let at = from; at < bytes.length; at++) {
      node ^= bytes[at]!;
      const unit = units[node] ?? 0;
      // The lowest byte is the label; the top bit marks a leaf, which no byte matches.
      if ((unit & 0x800000ff) !== bytes[at]) break;
      node ^= childrenOf(unit);
      if ((unit >>> 8) & 1) found = { length: at + 1 - from, value: (units[node] ?? 0) & 0x7fffffff };
    }
    return found;
  }

  return (text) => {
    const bytes = new TextEncoder().encode(text);
    const out: number[] = [];
    for (let at = 0; at < bytes.length; ) {
      const match = longest(bytes, at);
      if (match) {
        for (let i = match.value; replacements[i]; i++) out.push(replacements[i]!);
        at += match.length;
      } else {
        const end = at + characterBytes(bytes[at]!);
        while (at < end) out.push(bytes[at++]!);
      }
    }
    return new TextDecoder().decode(Uint8Array.from(out));
  };
}

/** What a node's place is joined with (exclusive or) to reach its children. */
const childrenOf = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6);

/** Bytes of the UTF-8 character that begins so. */
const characterBytes = (first: number): number =>
  first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

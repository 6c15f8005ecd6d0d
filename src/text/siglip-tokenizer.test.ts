import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createTokenizer } from './tokenizer.ts';

/** A sentencepiece vocabulary with SigLIP's marks and cleaning; ids by transformers (tools/reference/tokenizer.py). */
const { definition, cases } = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/siglip_tokenizer.json', import.meta.url), 'utf8'),
) as { definition: Record<string, unknown>; cases: { text: string; ids: number[]; pad: number }[] };

const tokenizer = createTokenizer(definition, {
  tokenizer_class: 'SiglipTokenizer',
  pad_token: '</s>',
  model_max_length: 64,
});

describe('a SigLIP tokenizer', () => {
  it('gives the ids of transformers on 500 strings, filled to 64 with the mark of the end', () => {
    expect(cases.length).toBe(500);
    for (const { text, ids, pad } of cases) {
      const expected = [...ids, ...Array<number>(64 - ids.length).fill(pad)];
      expect([...tokenizer.encode([text]).ids], JSON.stringify(text)).toEqual(expected);
    }
  });
});

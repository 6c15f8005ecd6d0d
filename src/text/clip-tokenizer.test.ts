import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createTokenizer } from './tokenizer.ts';

interface Case {
  text: string;
  ids: number[];
  pad: number;
  openClip?: number[];
}

/**
 * CLIP's own vocabulary, down to the merges that these 500 strings need: leaving out merges that never win changes no
 * id (tools/reference/tokenizer.py). Ids by transformers, and by open_clip where they differ.
 */
const fixture = JSON.parse(
  readFileSync(new URL('../../tools/reference/fixtures/clip_tokenizer.json', import.meta.url), 'utf8'),
) as {
  definition: { added_tokens: { id: number; content: string }[] };
  model: Record<string, unknown>;
  letters: string[];
  merges: [rank: number, left: string, right: string][];
  cases: Case[];
};

const { definition, letters, merges, cases } = fixture;
const vocab = Object.fromEntries([
  ...letters.map((letter, id) => [letter, id] as const),
  ...merges.map(([rank, left, right]) => [left + right, letters.length + rank] as const),
  ...definition.added_tokens.map(({ id, content }) => [content, id] as const),
]);
const tokenizer = createTokenizer(
  { ...definition, model: { ...fixture.model, vocab, merges: merges.map(([, ...pair]) => pair) } },
  { tokenizer_class: 'CLIPTokenizer', pad_token: '<|endoftext|>', model_max_length: 77 },
);

describe('CLIP’s vocabulary', () => {
  const rows = cases.map(({ text }) => {
    const { ids, attentionMask } = tokenizer.encode([text]);
    return { ids: [...ids], tokens: attentionMask.reduce((a, b) => a + b) };
  });

  it('gives the ids of transformers on 500 strings', () => {
    expect(new Set(cases.map(({ text }) => text)).size).toBeGreaterThan(495);
    for (const [i, { text, ids, pad }] of cases.entries()) {
      const expected = [...ids, ...Array<number>(77 - ids.length).fill(pad)];
      expect(rows[i], JSON.stringify(text)).toEqual({ ids: expected, tokens: ids.length });
    }
  });

  it('gives the ids of open_clip where its text repair leaves a string alone', () => {
    // ftfy rewrites ligatures, full-width letters, curly quotes and the like before open_clip reads them; the tool
    // makes sure that ids differ for no other reason.
    const alike = cases.filter(({ openClip }) => openClip === undefined);
    expect(alike.length).toBe(450);
    for (const { text, ids, openClip } of cases.filter((one) => one.openClip)) {
      expect(openClip, JSON.stringify(text)).not.toEqual(ids);
    }
  });
});

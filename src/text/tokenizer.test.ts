import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createTokenizer, toInt64, truncationNotice } from './tokenizer.ts';

const read = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8'));
const tokenizerJson = read('public/models/acuity-clip/tokenizer.json') as Record<string, unknown>;
const tokenizerConfig = read('public/models/acuity-clip/tokenizer_config.json') as Record<string, unknown>;
/** Ids by transformers, without the padding (tools/reference/tokenizer.py). */
const cases = read('tools/reference/fixtures/tokenizer.json') as {
  text: string;
  ids: number[];
  pad: number;
}[];
const tokenizer = createTokenizer(tokenizerJson, tokenizerConfig);

describe('createTokenizer', () => {
  it('gives the ids of transformers on strings of every kind', () => {
    const batch = tokenizer.encode(cases.map(({ text }) => text));
    expect(batch.shape).toEqual([cases.length, 77]);
    expect(cases.length).toBeGreaterThan(140);
    for (const [i, { text, ids, pad }] of cases.entries()) {
      const padding = 77 - ids.length;
      const row = [...batch.ids.subarray(77 * i, 77 * (i + 1))];
      expect(row, JSON.stringify(text)).toEqual([...ids, ...Array<number>(padding).fill(pad)]);
      expect(batch.attentionMask.subarray(77 * i, 77 * (i + 1)).reduce((a, b) => a + b)).toBe(ids.length);
    }
  });

  it('says which texts were cut and how long they are', () => {
    const long = 'word '.repeat(80);
    const texts = ['short', long, long];
    const batch = tokenizer.encode(texts);
    const whole = createTokenizer(tokenizerJson, tokenizerConfig, 1000)
      .encode([long])
      .attentionMask.reduce((a, b) => a + b);
    expect(batch.truncated).toEqual([
      { text: 1, tokens: whole },
      { text: 2, tokens: whole },
    ]);
    expect(truncationNotice(batch, texts)).toBe(
      `“${long.slice(0, 60)}…” has ${whole} tokens; the model reads 77, so its end was left out, as it was of 1 other text.`,
    );
    expect(truncationNotice(tokenizer.encode(['short']), ['short'])).toBeUndefined();
  });

  it('takes the context from the configuration, from the caller, or CLIP’s', () => {
    expect(createTokenizer(tokenizerJson, { ...tokenizerConfig, model_max_length: 64 }).context).toBe(64);
    expect(createTokenizer(tokenizerJson, { ...tokenizerConfig, model_max_length: 1e30 }).context).toBe(77);
    expect(createTokenizer(tokenizerJson, tokenizerConfig, 16).context).toBe(16);
    const { ids } = createTokenizer(tokenizerJson, tokenizerConfig, 4).encode(['one two three four']);
    const [start, , , end] = ids;
    expect([start, end, ids.length]).toEqual([1022, 1023, 4]);
  });

  it('pads with the named token, spelled plainly or as an object, or by tokenizer.json', () => {
    const { pad_token, ...rest } = tokenizerConfig;
    const last = (json: unknown, config: unknown) => createTokenizer(json, config).encode(['a']).ids.at(-1);
    expect(pad_token).toBe('<|endoftext|>');
    expect(last(tokenizerJson, { ...rest, pad_token: { content: '!' } })).toBe(0);
    expect(last({ ...tokenizerJson, padding: { pad_id: 7 } }, rest)).toBe(7);
    expect(() => createTokenizer(tokenizerJson, rest)).toThrow(/pad_token/);
  });

  it('refuses what is no tokenizer', () => {
    expect(() => createTokenizer({ version: '1.0' }, {})).toThrow(/tokenizer\.json/);
    expect(() => createTokenizer(tokenizerJson, 3)).toThrow(/tokenizer_config\.json/);
  });
});

describe('toInt64', () => {
  it('keeps the ids', () => {
    expect([...toInt64(new Int32Array([49406, 0, -1]))]).toEqual([49406n, 0n, -1n]);
  });
});

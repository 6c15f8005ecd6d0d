import { expect, it } from 'vitest';
import { neutralSentences } from './sentences.ts';

it('lists about a thousand different sentences, the same every time', () => {
  const sentences = neutralSentences();
  expect(sentences.length).toBeGreaterThan(900);
  expect(new Set(sentences).size).toBe(sentences.length);
  expect(neutralSentences()).toEqual(sentences);
  expect(sentences.slice(0, 2)).toEqual(['a photo of a cat', 'a dog']);
});

it('says each attribute of the visual patterns', () => {
  const all = neutralSentences().join('\n');
  for (const word of [
    'facing left',
    'facing right',
    'three',
    'red',
    'open',
    'above',
    'upside down',
    'letter q',
  ])
    expect(all).toContain(word);
});

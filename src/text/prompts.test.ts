import { describe, expect, it } from 'vitest';
import { emptyPrompt, mmvpPrompt } from './prompts.ts';

describe('prompts', () => {
  it('are those of the official scripts', () => {
    expect(mmvpPrompt('The dog is facing left')).toBe('a photo of The dog is facing left');
    expect(emptyPrompt('faithful')).toBe('a photo of a .');
    expect(emptyPrompt('corrected')).toBe('');
  });
});

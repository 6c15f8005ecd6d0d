import { describe, expect, it } from 'vitest';
import { selectionWarning, zeroShotGuard } from './verdicts.ts';

describe('zeroShotGuard', () => {
  it('accepts a loss up to its threshold', () => {
    expect(zeroShotGuard(70, 69)).toMatchObject({ change: -1, threshold: 1, passed: true });
    expect(zeroShotGuard(70, 68.9)).toMatchObject({
      passed: false,
      verdict: 'Zero-shot top-1 −1.1 points: beyond the accepted loss of 1.0.',
    });
    expect(zeroShotGuard(70, 65, 5).passed).toBe(true);
    expect(zeroShotGuard(70, 71.25).verdict).toMatch(/^Zero-shot top-1 \+1\.3 points: within/);
  });
});

describe('selectionWarning', () => {
  it('speaks up from the second candidate on', () => {
    expect(selectionWarning(1, 'MMVP-VLM')).toBeUndefined();
    expect(selectionWarning(3, 'MMVP-VLM')).toMatch(/^3 refined models were scored on MMVP-VLM/);
  });
});

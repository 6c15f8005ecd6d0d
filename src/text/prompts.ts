import type { Fidelity } from '../method/config.ts';

/** The prompt of an MMVP statement: no full stop (tsb0601/MMVP, scripts/evaluate_vlm.py). */
export const mmvpPrompt = (statement: string): string => `a photo of ${statement}`;

/**
 * The caption-free prompt that the visual condition is added to. The paper speaks of an empty prompt; the official
 * code fills its template with nothing (baaivision/DIVA, models/SD_with_OpenAICLIP.py).
 */
export const emptyPrompt = (fidelity: Fidelity): string => (fidelity === 'faithful' ? 'a photo of a .' : '');

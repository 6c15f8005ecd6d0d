import type { AdapterReport } from './device.ts';

export type ProviderName = 'webgpu' | 'wasm';

export interface ProviderChoice {
  provider: ProviderName;
  /** Why, in a sentence for the person. */
  reason: string;
}

/**
 * Where sessions run: a real GPU wins; a software adapter computes the same numbers tens of times slower than
 * WebAssembly, so it is used only when forced.
 */
export function chooseProvider(
  adapter: AdapterReport | null,
  force: ProviderName | 'auto' = 'auto',
): ProviderChoice {
  if (force === 'wasm') return { provider: 'wasm', reason: 'WebAssembly on the processor, as you chose.' };
  if (force === 'webgpu') {
    if (!adapter) {
      return {
        provider: 'wasm',
        reason: 'You chose WebGPU, but this browser offers no adapter: WebAssembly on the processor instead.',
      };
    }
    return {
      provider: 'webgpu',
      reason: adapter.software
        ? `WebGPU on the software adapter (${adapter.description}), as you chose; WebAssembly would be faster.`
        : `WebGPU on ${adapter.description}, as you chose.`,
    };
  }
  if (!adapter) {
    return {
      provider: 'wasm',
      reason: 'WebAssembly on the processor, because this browser offers no WebGPU adapter.',
    };
  }
  return adapter.software
    ? {
        provider: 'wasm',
        reason: `WebAssembly on the processor, because the only WebGPU adapter is a software one (${adapter.description}).`,
      }
    : { provider: 'webgpu', reason: `WebGPU on ${adapter.description}.` };
}

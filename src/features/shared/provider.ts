import type { ProviderName } from '../../../workers/protocol.ts';

/** Providers as the page calls them. */
export const providerNames: Record<ProviderName, string> = { webgpu: 'WebGPU', wasm: 'WebAssembly' };

import { describe, expect, it } from 'vitest';
import { type AdapterReport, detect, isSoftware, openDevice } from './device.ts';
import { chooseProvider } from './provider.ts';
import { bestThreads, measureThreads, threadCandidates } from './threads.ts';

const info = { vendor: '', architecture: '', device: '', description: '' };

describe('isSoftware', () => {
  it.each([
    { ...info, vendor: 'google', architecture: 'swiftshader' },
    { ...info, vendor: 'google', device: '0xc0de', description: 'SwiftShader Device (Subzero)' },
    { ...info, description: 'llvmpipe (LLVM 15.0.6, 256 bits)' },
    { ...info, vendor: 'mesa', description: 'lavapipe' },
    { ...info, vendor: 'microsoft', architecture: 'warp' },
    { ...info, description: 'Microsoft Basic Render Driver' },
    { ...info, vendor: 'intel', isFallbackAdapter: true },
  ])('knows $vendor $architecture $description', (adapter) => {
    expect(isSoftware(adapter)).toBe(true);
  });

  it.each([
    { ...info, vendor: 'nvidia', architecture: 'hopper', description: 'NVIDIA H200' },
    { ...info, vendor: 'apple', architecture: 'metal-3', isFallbackAdapter: false },
    { ...info, vendor: 'intel', architecture: 'gen-12lp' },
    { ...info, vendor: 'amd', architecture: 'rdna-3', description: 'AMD Radeon RX 7900' },
    info,
  ])('takes $vendor $architecture for a GPU', (adapter) => {
    expect(isSoftware(adapter)).toBe(false);
  });
});

const adapter: AdapterReport = {
  description: 'nvidia hopper',
  vendor: 'nvidia',
  architecture: 'hopper',
  software: false,
  f16: true,
  subgroups: true,
  timestamps: true,
  limits: {
    maxBufferSize: 2 ** 32,
    maxStorageBufferBindingSize: 2 ** 31,
    maxStorageBuffersPerShaderStage: 10,
  },
};
const software = { ...adapter, description: 'google swiftshader', software: true };

describe('chooseProvider', () => {
  it.each([
    ['auto', 'a GPU', adapter, 'webgpu', 'nvidia hopper'],
    ['auto', 'a software adapter', software, 'wasm', 'software'],
    ['auto', 'no adapter', null, 'wasm', 'no WebGPU adapter'],
    ['wasm', 'a GPU', adapter, 'wasm', 'as you chose'],
    ['webgpu', 'a software adapter', software, 'webgpu', 'WebAssembly would be faster'],
    ['webgpu', 'no adapter', null, 'wasm', 'offers no adapter'],
  ] as const)('decides %s with %s', (force, _, found, provider, reason) => {
    const choice = chooseProvider(found, force);
    expect(choice.provider).toBe(provider);
    expect(choice.reason).toContain(reason);
  });
});

describe('without a browser', () => {
  it('there is no adapter', async () => {
    expect(await detect()).toBeNull();
    await expect(openDevice()).rejects.toThrow('no WebGPU adapter');
  });

  it('one thread needs no measurement', async () => {
    expect(await measureThreads({ wasmPaths: '/ort/' })).toEqual({ threads: 1, milliseconds: new Map() });
  });
});

describe('thread counts', () => {
  it('are tried in powers of two up to all cores', () => {
    expect([1, 2, 4, 6, 8, 12].map(threadCandidates)).toEqual([
      [1],
      [1, 2],
      [1, 2, 4],
      [1, 2, 4, 6],
      [1, 2, 4, 8],
      [1, 2, 4, 8, 12],
    ]);
  });

  it('grow only for a real gain', () => {
    expect(
      bestThreads(
        new Map([
          [1, 24],
          [2, 15],
        ]),
      ),
    ).toBe(2);
    expect(
      bestThreads(
        new Map([
          [1, 34],
          [2, 44],
        ]),
      ),
    ).toBe(1);
    expect(
      bestThreads(
        new Map([
          [1, 100],
          [2, 60],
          [4, 58],
        ]),
      ),
    ).toBe(2);
    expect(
      bestThreads(
        new Map([
          [1, 100],
          [2, Number.POSITIVE_INFINITY],
        ]),
      ),
    ).toBe(1);
    expect(bestThreads(new Map([[1, Number.POSITIVE_INFINITY]]))).toBe(1);
  });
});

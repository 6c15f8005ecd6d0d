import * as ort from 'onnxruntime-web/webgpu';
import { type AdapterReport, detect, type OpenDevice, openDevice } from '../../src/runtime/device.ts';
import { type KernelRates, measureKernelRates } from '../../src/runtime/kernel-rates.ts';
import { chooseProvider, type ProviderChoice } from '../../src/runtime/provider.ts';
import { openRuntime, type Runtime } from '../../src/runtime/runtime.ts';
import { measureThreads } from '../../src/runtime/threads.ts';
import type { HardwareReport, ProviderName } from '../protocol.ts';
import type { Store } from './store.ts';

/**
 * The GPU device and the runtimes on it: the only place that opens either. The processor's runtime always exists
 * beside the GPU's, because text towers hold int64 ids that the WebGPU provider does not take.
 */
export class Hardware {
  #force: ProviderName | 'auto' = 'auto';
  #adapter: AdapterReport | null | undefined;
  readonly #store: Promise<Store>;
  #threads: Promise<number> | undefined;
  readonly #rates = new Map<ProviderName, Promise<KernelRates>>();
  #cpu: Promise<Runtime> | undefined;
  #gpu: Promise<{ device: OpenDevice; runtime: Runtime }> | undefined;

  constructor(store: Promise<Store>) {
    this.#store = store;
  }

  async report(force?: ProviderName | 'auto'): Promise<HardwareReport> {
    if (force !== undefined) this.#force = force;
    const { provider, reason } = await this.choice();
    const adapter = await this.adapter();
    return {
      provider,
      reason,
      adapter: adapter && {
        description: adapter.description,
        vendor: adapter.vendor,
        architecture: adapter.architecture,
        software: adapter.software,
        f16: adapter.f16,
      },
      wasmThreads: await this.#threadCount(),
      crossOriginIsolated: self.crossOriginIsolated,
    };
  }

  async adapter(): Promise<AdapterReport | null> {
    if (this.#adapter === undefined) this.#adapter = await detect();
    return this.#adapter;
  }

  async choice(): Promise<ProviderChoice> {
    return chooseProvider(await this.adapter(), this.#force);
  }

  /** The runtime that a run uses now. */
  async runtime(): Promise<Runtime> {
    return (await this.choice()).provider === 'webgpu' ? (await this.gpu()).runtime : this.cpu();
  }

  /** How fast the runtime of a run computes; measured once a visit. */
  async rates(): Promise<KernelRates> {
    const { provider } = await this.choice();
    const rates = this.#rates.get(provider) ?? this.runtime().then(measureKernelRates);
    this.#rates.set(provider, rates);
    return rates;
  }

  /** The wasm runtime on the processor. */
  cpu(): Promise<Runtime> {
    this.#cpu ??= this.#threadCount().then((threads) =>
      openRuntime({ ort, provider: 'wasm', threads, wasmPaths: ortFolder() }),
    );
    return this.#cpu;
  }

  /**
   * The WebGPU runtime, its device opened anew when the last one was lost or refused something: its memory goes back
   * with it. CPU fallback is forbidden.
   */
  async gpu(): Promise<{ device: OpenDevice; runtime: Runtime }> {
    const known = await this.#gpu?.catch(() => undefined);
    if (known && !known.device.loss && !known.device.fault) return known;
    if (known?.device.fault) known.device.close();
    // The processor's runtime comes first: it decides the threads of the WebAssembly that both share.
    await this.cpu();
    this.#gpu = openDevice().then(async (device) => ({
      device,
      runtime: await openRuntime({ ort, provider: 'webgpu', device, wasmPaths: ortFolder() }),
    }));
    return this.#gpu;
  }

  #threadCount(): Promise<number> {
    this.#threads ??= this.#chooseThreads();
    return this.#threads;
  }

  /** Sums round differently on another number of threads: runs go on with the number that they began with. */
  async #chooseThreads(): Promise<number> {
    if (!self.crossOriginIsolated) return 1;
    const store = await this.#store;
    const kept = await store.threads();
    if (kept !== undefined && kept <= navigator.hardwareConcurrency) return kept;
    const { threads } = await measureThreads({ wasmPaths: ortFolder() });
    await store.keepThreads(threads).catch(() => undefined);
    return threads;
  }
}

/** Where the server keeps ONNX Runtime's files: `ort/` beside the folder of the workers. */
const ortFolder = (): string => new URL('../ort/', self.location.href).href;

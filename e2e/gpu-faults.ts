import type { Page, Worker } from '@playwright/test';

/** The least that WebGPU promises of buffers, by its own names. */
export const leastLimits = {
  maxStorageBufferBindingSize: 2 ** 27,
  maxBufferSize: 2 ** 28,
  maxStorageBuffersPerShaderStage: 8,
} as const;

/** What {@link troubleGpu} leaves in the engine's worker. */
interface Trouble {
  devices: GPUDevice[];
  /** Buffers still to be made before one is asked for that no memory is left for; null lets all be. */
  buffersUntilFull: number | null;
  /** Submits still to be made before the device is destroyed; null leaves it alone. */
  submitsUntilLost: number | null;
  /** Most storage buffers of any shader so far. */
  storageBuffers: number;
  /** Bytes of the buffers that were made and not yet destroyed. */
  heldBytes: number;
  /** Limits that the last device really has. */
  limits: Record<string, number>;
}

declare global {
  var trouble: Trouble;
}

/**
 * Puts real faults of the GPU within a test's reach: only the browser's own objects are changed, nothing of the app.
 * Call it before the engine asks for a device.
 *
 * @param limits makes the adapter a smaller one, without optional features; the device is opened with these limits.
 *   Chromium gives a device no fewer than its own default of 10 storage buffers a stage: count those of the shaders
 */
export async function troubleGpu(page: Page, limits?: Record<string, number>): Promise<Worker> {
  const isEngine = (other: Worker) => other.url().includes('engine.worker');
  const worker =
    page.workers().find(isEngine) ?? (await page.waitForEvent('worker', { predicate: isEngine }));
  await worker.evaluate((lowered) => {
    const trouble: Trouble = {
      devices: [],
      buffersUntilFull: null,
      submitsUntilLost: null,
      storageBuffers: 0,
      heldBytes: 0,
      limits: {},
    };
    globalThis.trouble = trouble;
    const { requestAdapter } = GPU.prototype;
    const { requestDevice } = GPUAdapter.prototype;
    const { createBuffer, createShaderModule } = GPUDevice.prototype;
    const { destroy } = GPUBuffer.prototype;
    const { submit } = GPUQueue.prototype;
    GPU.prototype.requestAdapter = async function (options) {
      const adapter = await requestAdapter.call(this, options);
      if (!adapter || !lowered) return adapter;
      const shown: Record<string, unknown> = {};
      for (const name in adapter.limits) shown[name] = adapter.limits[name as keyof GPUSupportedLimits];
      Object.defineProperty(adapter, 'limits', { value: { ...shown, ...lowered } });
      Object.defineProperty(adapter, 'features', { value: new Set() });
      return adapter;
    };
    GPUAdapter.prototype.requestDevice = async function (descriptor) {
      const device = await requestDevice.call(this, descriptor);
      const given: Record<string, number> = {};
      for (const name in device.limits) given[name] = Number(device.limits[name as keyof GPUSupportedLimits]);
      trouble.limits = given;
      // A browser may give more than it is asked for: at least nobody is told.
      if (lowered) Object.defineProperty(device, 'limits', { value: { ...given, ...lowered } });
      trouble.devices.push(device);
      return device;
    };
    GPUDevice.prototype.createBuffer = function (descriptor) {
      const full = trouble.buffersUntilFull !== null && trouble.buffersUntilFull-- === 0;
      // The software adapter's memory is never one piece of this size: what comes is the browser's own error.
      if (full) trouble.buffersUntilFull = null;
      trouble.heldBytes += descriptor.size;
      return createBuffer.call(this, full ? { ...descriptor, size: this.limits.maxBufferSize } : descriptor);
    };
    GPUBuffer.prototype.destroy = function () {
      trouble.heldBytes -= this.size;
      destroy.call(this);
    };
    GPUDevice.prototype.createShaderModule = function (descriptor) {
      const bound = descriptor.code.match(/\bvar\s*<\s*storage\b/g)?.length ?? 0;
      trouble.storageBuffers = Math.max(trouble.storageBuffers, bound);
      return createShaderModule.call(this, descriptor);
    };
    GPUQueue.prototype.submit = function (buffers) {
      submit.call(this, buffers);
      if (trouble.submitsUntilLost !== null && trouble.submitsUntilLost-- === 0) {
        trouble.submitsUntilLost = null;
        trouble.devices.at(-1)!.destroy();
      }
    };
  }, limits);
  return worker;
}

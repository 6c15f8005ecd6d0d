import { DeviceLostError, messageOf, OutOfMemoryError, RuntimeError } from './errors.ts';

/** What the browser tells about its GPU, and what Acuity makes of it. */
export interface AdapterReport {
  /** Vendor, architecture and description as far as the browser gives them. */
  description: string;
  vendor: string;
  architecture: string;
  /** A processor pretending to be a GPU: right, but slower than WebAssembly. */
  software: boolean;
  f16: boolean;
  subgroups: boolean;
  timestamps: boolean;
  limits: {
    /** Bytes. */
    maxBufferSize: number;
    /** Bytes. */
    maxStorageBufferBindingSize: number;
    maxStorageBuffersPerShaderStage: number;
  };
}

export interface DeviceLoss {
  /** `destroyed` when the program itself ended the device. */
  reason: 'unknown' | 'destroyed';
  message: string;
}

/**
 * The first thing that the GPU refused behind the program's back. Commands that it refuses are dropped, so every number
 * computed since is in doubt.
 */
export interface DeviceFault {
  kind: 'out-of-memory' | 'invalid' | 'internal';
  message: string;
}

/** What went over the device since counting began. */
export interface DispatchCounts {
  dispatches: number;
  submits: number;
}

/** A device of our own with what is known about it. Everything on it dies with it. */
export interface OpenDevice {
  readonly device: GPUDevice;
  readonly adapter: AdapterReport;
  /** Counts the devices opened by this worker, from 1. */
  readonly generation: number;
  /** Null while the device lives. */
  readonly loss: DeviceLoss | null;
  /** Null while the GPU did everything it was told. Its owner opens another device. */
  readonly fault: DeviceFault | null;
  /** Resolves when the device is lost, also by {@link OpenDevice.close}. */
  readonly lost: Promise<DeviceLoss>;
  /** Counts compute dispatches and submits during `work`, ONNX Runtime's own included. */
  count<T>(work: () => Promise<T>): Promise<{ result: T; counts: DispatchCounts }>;
  close(): void;
}

export interface DeviceOptions {
  /** Limits below the adapter's, by WebGPU's names: for tests of small devices. */
  limits?: Readonly<Record<string, number>>;
  /** Asks for the optional features that sessions profit from: shader-f16, subgroups, timestamp-query. Default true. */
  features?: boolean;
}

const wanted = ['shader-f16', 'subgroups', 'timestamp-query'] as const;

/** The adapter that {@link openDevice} would use, or null when there is none. */
export async function detect(): Promise<AdapterReport | null> {
  const adapter = await requestAdapter();
  return adapter && reportOf(adapter);
}

let generations = 0;

/** Opens a device with the adapter's full limits. Rejects with a {@link RuntimeError} when there is no adapter. */
export async function openDevice(options: DeviceOptions = {}): Promise<OpenDevice> {
  const adapter = await requestAdapter();
  if (!adapter) throw new RuntimeError('This browser offers no WebGPU adapter: use the WebAssembly provider');
  const features: string[] =
    options.features === false ? [] : wanted.filter((name) => adapter.features.has(name));
  const requiredLimits = { ...allLimits(adapter), ...options.limits };
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({ requiredFeatures: features as GPUFeatureName[], requiredLimits });
  } catch (error) {
    throw new RuntimeError(`The GPU device cannot be opened: ${messageOf(error)}`, { cause: error });
  }
  return track(device, reportOf(adapter), ++generations);
}

async function requestAdapter(): Promise<GPUAdapter | null> {
  const gpu = typeof navigator === 'undefined' ? undefined : (navigator as { gpu?: GPU }).gpu;
  return (await gpu?.requestAdapter({ powerPreference: 'high-performance' })) ?? null;
}

function allLimits(adapter: GPUAdapter): Record<string, number> {
  const limits: Record<string, number> = {};
  // Limits are getters of the prototype: only `for in` finds them.
  for (const name in adapter.limits) {
    const value = adapter.limits[name as keyof GPUSupportedLimits];
    if (typeof value === 'number') limits[name] = value;
  }
  return limits;
}

function reportOf(adapter: GPUAdapter): AdapterReport {
  const { vendor, architecture, device, description } = adapter.info;
  const words = [vendor, architecture, device, description].filter((word) => word !== '');
  return {
    description: [...new Set(words)].join(' ') || 'unnamed GPU',
    vendor,
    architecture,
    software: isSoftware(adapter.info),
    f16: adapter.features.has('shader-f16'),
    subgroups: adapter.features.has('subgroups'),
    timestamps: adapter.features.has('timestamp-query'),
    limits: {
      maxBufferSize: adapter.limits.maxBufferSize,
      maxStorageBufferBindingSize: adapter.limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: adapter.limits.maxStorageBuffersPerShaderStage,
    },
  };
}

/** Whether an adapter computes on the processor: SwiftShader, Mesa's llvmpipe or lavapipe, Windows' WARP. */
export function isSoftware(
  info: Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'device' | 'description'> & {
    isFallbackAdapter?: boolean;
  },
): boolean {
  if (info.isFallbackAdapter) return true;
  const words = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`;
  return /swiftshader|llvmpipe|lavapipe|softpipe|\bwarp\b|microsoft basic render/i.test(words);
}

function track(device: GPUDevice, adapter: AdapterReport, generation: number): OpenDevice {
  let loss: DeviceLoss | null = null;
  let fault: DeviceFault | null = null;
  device.addEventListener('uncapturederror', ({ error }) => {
    fault ??= { kind: kindOf(error), message: error.message.split('\n')[0] || 'no further word' };
  });
  const lost = device.lost.then(({ reason, message }) => {
    loss = { reason, message: message || reason };
    return loss;
  });
  return {
    device,
    adapter,
    generation,
    get loss() {
      return loss;
    },
    get fault() {
      return fault;
    },
    lost,
    count: (work) => countDispatches(device, work),
    close: () => {
      loss ??= { reason: 'destroyed', message: 'closed by the program' };
      device.destroy();
    },
  };
}

function kindOf(error: GPUError): DeviceFault['kind'] {
  if (error instanceof GPUOutOfMemoryError) return 'out-of-memory';
  return error instanceof GPUValidationError ? 'invalid' : 'internal';
}

/**
 * Why nothing on the device can be used any more, or null.
 *
 * @param what begins the message, such as `Session "training" cannot run`
 * @param heldBytes of tensors on the device, where they are known
 */
export function deviceProblem(
  { loss, fault, generation }: OpenDevice,
  what: string,
  heldBytes: number | null = null,
): RuntimeError | null {
  if (loss) return new DeviceLostError(what, generation, loss.message);
  if (!fault) return null;
  if (fault.kind === 'out-of-memory') return new OutOfMemoryError(what, heldBytes, fault.message);
  return new RuntimeError(
    `${what}: the GPU refused a command (${fault.message}), so its results cannot be trusted. Open the device again and continue from the last checkpoint`,
  );
}

/**
 * Watches the command encoders that the device hands out while `work` runs. The device itself must stay the object the
 * browser made (ONNX Runtime insists on it), so its method is covered on the instance and uncovered afterwards.
 */
async function countDispatches<T>(
  device: GPUDevice,
  work: () => Promise<T>,
): Promise<{ result: T; counts: DispatchCounts }> {
  const counts: DispatchCounts = { dispatches: 0, submits: 0 };
  const watch = (pass: GPUComputePassEncoder): GPUComputePassEncoder => {
    const dispatch = pass.dispatchWorkgroups.bind(pass);
    const indirect = pass.dispatchWorkgroupsIndirect.bind(pass);
    pass.dispatchWorkgroups = (...sizes) => {
      counts.dispatches++;
      dispatch(...sizes);
    };
    pass.dispatchWorkgroupsIndirect = (...where) => {
      counts.dispatches++;
      indirect(...where);
    };
    return pass;
  };
  const createEncoder = device.createCommandEncoder.bind(device);
  const submit = device.queue.submit.bind(device.queue);
  device.createCommandEncoder = (descriptor) => {
    const encoder = createEncoder(descriptor);
    const begin = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = (pass) => watch(begin(pass));
    return encoder;
  };
  device.queue.submit = (buffers) => {
    counts.submits++;
    submit(buffers);
  };
  try {
    return { result: await work(), counts };
  } finally {
    Reflect.deleteProperty(device, 'createCommandEncoder');
    Reflect.deleteProperty(device.queue, 'submit');
  }
}

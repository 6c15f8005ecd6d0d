import type { GraphBuilder } from '../onnx/builder.ts';
import type { TensorType } from '../onnx/model.ts';
import type { GraphWork } from '../onnx/work.ts';
import type { Runtime } from './runtime.ts';
import { modelOf } from './small-model.ts';

/** How fast a runtime computes, a second. */
export interface KernelRates {
  /** Floating-point operations of matrix products. */
  products: number;
  /** Floating-point operations of convolutions. */
  convolutions: number;
  /** Bytes that other nodes read and write. */
  moved: number;
}

/** A measurement has gone on for long enough after so many milliseconds. */
const enough = 40;
/** Longest chain of equal nodes tried. */
const longest = 256;

const float32 = (...shape: number[]): TensorType => ({ dtype: 'float32', shape });

/**
 * Measures products, 3 x 3 convolutions and additions at sizes as transformers and denoisers have them. Chains of
 * equal nodes grow until one takes long enough to be read from a clock. Takes under a second.
 */
export async function measureKernelRates(runtime: Runtime): Promise<KernelRates> {
  const products = await rateOf(
    runtime,
    2 * 256 ** 3,
    { x: float32(256, 256), w: float32(256, 256) },
    (b, x) => b.op('MatMul', [x, 'w']),
  );
  const convolutions = await rateOf(
    runtime,
    2 * 64 * 64 * 9 * 32 * 32,
    { x: float32(1, 64, 32, 32), w: float32(64, 64, 3, 3) },
    (b, x) => b.op('Conv', [x, 'w'], { pads: [1, 1, 1, 1] }),
  );
  const moved = await rateOf(runtime, 3 * 4 * 2 ** 20, { x: float32(2 ** 20), w: float32(2 ** 20) }, (b, x) =>
    b.op('Add', [x, 'w']),
  );
  return { products, convolutions, moved };
}

/** Seconds that a graph takes at these rates. A machine that is busy takes longer. */
export const secondsOf = (work: GraphWork, rates: KernelRates): number =>
  work.products / rates.products + work.convolutions / rates.convolutions + work.moved / rates.moved;

async function rateOf(
  runtime: Runtime,
  each: number,
  inputs: Record<string, TensorType>,
  chain: (b: GraphBuilder, x: string) => string,
): Promise<number> {
  for (let length = 4; ; length *= 4) {
    const model = await modelOf(inputs, (b) => {
      let x = 'x';
      for (let i = 0; i < length; i++) x = chain(b, x);
      return { y: x };
    });
    const session = await runtime.session(model, { name: 'kernel rates' });
    const feeds = new Map(Object.entries(inputs).map(([name, type]) => [name, runtime.allocate(type)]));
    try {
      const once = async () => {
        const started = performance.now();
        const y = (await session.run(feeds)).get('y')!;
        await runtime.read(y);
        runtime.release(y);
        return performance.now() - started;
      };
      // The first run compiles shaders.
      await once();
      const ms = Math.min(await once(), await once());
      if (ms >= enough || length >= longest) return (1000 * each * length) / ms;
    } finally {
      for (const tensor of feeds.values()) runtime.release(tensor);
      await session.release();
    }
  }
}

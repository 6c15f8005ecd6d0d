import { expect, it } from 'vitest';
import { trainConvnet } from './train-convnet.ts';

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

it.each(['convnet-torchscript.onnx', 'convnet-dynamo.onnx'])(
  'trains %s',
  { timeout: 120_000 },
  async (file) => {
    const { losses, accuracy } = await trainConvnet(new URL(file, import.meta.url));
    // An untrained network of ten classes starts near ln 10.
    expect(losses[0]).toBeGreaterThan(2);
    expect(mean(losses.slice(-10))).toBeLessThan(1);
    expect(accuracy).toBeGreaterThan(0.8);
  },
);

import type { GraphBuilder } from '../../src/onnx/builder.ts';

/** One way of computing a layer. */
export interface Way {
  name: string;
  /** Appends the nodes; `inputs` are names of values by the layer's names for them. Returns the output. */
  build(b: GraphBuilder, inputs: Readonly<Record<string, string>>): string;
  /** Weights that this way reads in another order or form, prepared once as frozen weights are. */
  prepared?: Readonly<Record<string, Prepared>>;
  /** Layout in which the provider runs convolutions; NHWC unless told. */
  layout?: 'NCHW' | 'NHWC';
}

export interface Prepared {
  shape: readonly number[];
  of(values: Float32Array): Float32Array<ArrayBuffer>;
}

export interface Layer {
  name: string;
  batch: number;
  /** Multiplications and additions of the plain way, whatever a cleverer one saves. */
  flops: number;
  inputs: Readonly<Record<string, readonly number[]>>;
  /** The first is the plain one. */
  ways: readonly Way[];
}

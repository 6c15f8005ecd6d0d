/** A small graph to be run on the WebGPU provider alone. Everything travels as JSON. */
export interface GraphRequest {
  /** The ONNX file in base64. */
  model: string;
  inputs: {
    name: string;
    dtype: 'float32' | 'int64' | 'int32' | 'bool';
    shape: number[];
    values: number[];
  }[];
  outputs: string[];
}

/** The elements of each output, or what went wrong. */
export type GraphResult = { outputs: number[][] } | { error: string };

declare global {
  interface Window {
    /** Set by `graphs.ts`: runs one graph at a time, however often it is called. */
    runGraph: (request: GraphRequest) => Promise<GraphResult>;
  }
}

import { readFileSync } from 'node:fs';

interface Entry {
  dtype: 'F32' | 'I64';
  shape: number[];
  data_offsets: [number, number];
}

/** Tensors that a script of tools/reference wrote, by name. */
export interface ReferenceTensors {
  names: string[];
  shape(name: string): number[];
  floats(name: string): Float32Array<ArrayBuffer>;
  ints(name: string): number[];
}

/** Reads `tools/reference/fixtures/<path>`. */
export function referenceTensors(path: string): ReferenceTensors {
  const file = readFileSync(new URL(`../../../tools/reference/fixtures/${path}`, import.meta.url));
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + length)) as Record<string, Entry>;
  const bytes = (name: string) => {
    const entry = header[name];
    if (!entry) throw new Error(`the fixture lacks ${name}`);
    const [from, to] = entry.data_offsets;
    return new Uint8Array(file.subarray(8 + length + from, 8 + length + to)).slice().buffer;
  };
  return {
    names: Object.keys(header),
    shape: (name) => header[name]!.shape,
    floats: (name) => new Float32Array(bytes(name)),
    ints: (name) => Array.from(new BigInt64Array(bytes(name)), Number),
  };
}

/** [rows, columns] as [columns, rows]. */
export function transpose(values: Float32Array, rows: number, columns: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    { length: values.length },
    (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!,
  );
}

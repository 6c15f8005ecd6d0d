import { halfToNumber } from '../onnx/tensors.ts';

let table: Float32Array | null = null;

/** The float32 value of each of the 65,536 float16 bit patterns. */
function halfTable(): Float32Array {
  table ??= Float32Array.from({ length: 65536 }, (_, bits) => halfToNumber(bits));
  return table;
}

/** Little-endian float16 bytes as float32 bytes. */
export function halvesToFloat32(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const values = halfTable();
  const halves = wordsOf(bytes);
  const result = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) result[i] = values[halves[i]!]!;
  return new Uint8Array(result.buffer);
}

/** Little-endian bfloat16 bytes as float32 bytes: the upper half of each word. */
export function bfloatsToFloat32(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const halves = wordsOf(bytes);
  const result = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) result[i] = halves[i]! << 16;
  return new Uint8Array(result.buffer);
}

/** 16-bit words; ranges of files may start at odd addresses. (A Node Buffer's own `slice` would not copy.) */
function wordsOf(bytes: Uint8Array): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 1);
}

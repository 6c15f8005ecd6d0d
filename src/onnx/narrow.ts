import type { ByteSource, Tensor } from './model.ts';

/**
 * Little-endian float32 bytes as float16 bytes, rounded to nearest with ties to even: bit for bit what numpy's
 * `astype(float16)` makes of them (npy_floatbits_to_halfbits). What is too large becomes infinity, what is small a
 * subnormal or zero of its sign; a NaN keeps the upper bits of its payload.
 */
export function floatsToHalves(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  // Ranges of files may start at odd addresses. (A Node Buffer's own `slice` would not copy.)
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  const floats = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 2);
  const halves = new Uint16Array(floats.length);
  for (let i = 0; i < floats.length; i++) halves[i] = halfBits(floats[i]!);
  return new Uint8Array(halves.buffer);
}

/** First magnitudes, as float32 bits: of NaN, of what rounds to infinity, of a normal float16, of what is not zero. */
const infinity = 0x7f800000;
const tooLarge = 0x477ff000;
const normal = 0x38800000;
const tieToZero = 0x33000000;

function halfBits(float: number): number {
  const sign = (float >>> 16) & 0x8000;
  const magnitude = float & 0x7fffffff;
  // A payload that would vanish leaves infinity: one bit of it stays.
  if (magnitude > infinity) return sign | 0x7c00 | ((magnitude >>> 13) & 0x3ff || 1);
  if (magnitude >= tooLarge) return sign | 0x7c00;
  // The exponents' biases differ by 112.
  if (magnitude >= normal) return sign | rounded(magnitude - 0x38000000, 13);
  if (magnitude <= tieToZero) return sign;
  return sign | rounded((magnitude & 0x7fffff) | 0x800000, 126 - (magnitude >>> 23));
}

/** `bits` without its last `places`, to nearest, ties to even. A carry into the exponent is right as it is. */
function rounded(bits: number, places: number): number {
  const kept = bits >>> places;
  const rest = bits - (kept << places);
  const half = 1 << (places - 1);
  return kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0);
}

/** A float32 tensor as float16. A byte range stays one: it is converted piece by piece as it is read. */
export function narrowed(tensor: Tensor): Tensor {
  const { dtype, shape, data } = tensor;
  if (dtype !== 'float32' || data.kind === 'strings') return tensor;
  if (data.kind === 'bytes')
    return { dtype: 'float16', shape, data: { kind: 'bytes', bytes: floatsToHalves(data.bytes) } };
  const length = data.length / 2;
  const source = narrowedSource(data.source, data.offset, length);
  return { dtype: 'float16', shape, data: { kind: 'range', source, offset: 0, length } };
}

function narrowedSource(inner: ByteSource, start: number, size: number): ByteSource {
  return {
    name: inner.name,
    size,
    async read(offset, length) {
      if (offset % 2 !== 0 || length % 2 !== 0 || offset + length > size) {
        throw new RangeError(
          `${inner.name}: no float16 values at ${offset} to ${offset + length} of ${size}`,
        );
      }
      return floatsToHalves(await inner.read(start + 2 * offset, 2 * length));
    },
  };
}

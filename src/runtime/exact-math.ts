/**
 * Elementary functions that give the same bits in every engine. ECMAScript leaves Math.log, Math.cos and Math.sin to
 * the implementation and engines do differ in the last bits; these use only IEEE 754 basic operations, whose results
 * the language fixes. Errors stay below 1e-15 absolute or relative, whichever is larger: far below float32's rounding.
 */

const scratch = new DataView(new ArrayBuffer(8));

/** The natural logarithm of a positive normal number, by the series of the inverse hyperbolic tangent. */
export function logarithm(x: number): number {
  scratch.setFloat64(0, x);
  const high = scratch.getUint32(0);
  let exponent = (high >>> 20) - 1023;
  scratch.setUint32(0, (high & 0xfffff) | 0x3ff00000);
  let mantissa = scratch.getFloat64(0);
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent++;
  }
  // ln m = 2 artanh s with |s| < 0.1716: the first term left out is below 1e-18.
  const s = (mantissa - 1) / (mantissa + 1);
  const z = s * s;
  let sum = 0;
  for (let n = 23; n >= 1; n -= 2) sum = sum * z + 1 / n;
  return exponent * Math.LN2 + 2 * s * sum;
}

/** cos(2 pi t) for t in [0, 1). */
export const cosineOfTurn = (t: number): number => onCircle(t, 1);

/** sin(2 pi t) for t in [0, 1). */
export const sineOfTurn = (t: number): number => onCircle(t, 0);

/** Reduces to an eighth of a turn around the nearest quarter, without rounding, and picks the series. */
function onCircle(t: number, shift: 0 | 1): number {
  const quarter = Math.floor(4 * t + 0.5);
  const angle = (4 * t - quarter) * (Math.PI / 2);
  const z = angle * angle;
  switch ((quarter + shift) % 4) {
    case 0:
      return angle * series(z, 1);
    case 1:
      return series(z, 0);
    case 2:
      return -angle * series(z, 1);
    default:
      return -series(z, 0);
  }
}

/** Taylor series of cos x (`first` 0) or sin(x)/x (`first` 1) in z = x^2 with |x| <= pi/4, to the term in z^9. */
function series(z: number, first: 0 | 1): number {
  let sum = 1;
  for (let n = 18 + first; n > first; n -= 2) sum = 1 - (z / (n * (n - 1))) * sum;
  return sum;
}

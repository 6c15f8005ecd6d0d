/**
 * WGSL of the counter-based generator: the same Philox4x32-10 as `random.ts`, with one invocation for a block of four
 * words, and normal numbers in float32 arithmetic.
 *
 * WGSL promises little of its own `log`, `cos` and `sin` (sine and cosine only to 2^-11), so they are series here, and
 * both arguments are reduced in integers, where nothing is rounded. With the accuracies that WGSL does promise of
 * division (2.5 ulp) and square root, a normal number is within {@link normalUlps} of the float64 one.
 */

/** Largest distance of a normal number from that of `RandomStream.normal`, in units in the last place of float32. */
export const normalUlps = 16;

export const randomWorkgroup = 64;

const draw = `
struct Draw {
  /** Numbers in a row. */
  count: u32,
  /** Element of the buffer at which the first row begins. */
  offset: u32,
  /** The first block of each row. */
  block: u32,
  step: u32,
  /** That of the first row; each further row is the next image. */
  image: u32,
  draw: u32,
  key: vec2u,
  rows: u32,
  low: i32,
  range: u32,
  threshold: u32,
}
@group(0) @binding(1) var<uniform> at: Draw;`;

const philox = `
/** The 64-bit product of two words: low and high. */
fn multiply(a: u32, b: u32) -> vec2u {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let middle = a1 * b0 + ((a0 * b0) >> 16u);
  let carry = a0 * b1 + (middle & 0xffffu);
  return vec2u(a * b, a1 * b1 + (middle >> 16u) + (carry >> 16u));
}

fn philox(counter: vec4u, first: vec2u) -> vec4u {
  var c = counter;
  var k = first;
  for (var round = 0u; round < 10u; round++) {
    let p0 = multiply(0xd2511f53u, c.x);
    let p1 = multiply(0xcd9e8d57u, c.z);
    c = vec4u(p1.y ^ c.y ^ k.x, p1.x, p0.y ^ c.w ^ k.y, p0.x);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}`;

const normal = `
/** sqrt(-2 ln((word + 1) / 2^32)). */
fn radius(word: u32) -> f32 {
  if (word == 0xffffffffu) { return 0.0; }
  let n = word + 1u;
  let zeros = countLeadingZeros(n);
  let m = n << zeros;
  // n = 2^e f with f in [sqrt(1/2), sqrt(2)); f - 1 is taken in integers, where it is exact.
  var e = -1 - i32(zeros);
  var top = f32(m - 0x80000000u) * 0x1p-31;
  var f = f32(m) * 0x1p-31;
  if (m > 0xb504f333u) {
    e += 1;
    top = -f32(0u - m) * 0x1p-32;
    f *= 0.5;
  }
  // ln f = 2 artanh s, |s| < 0.1716: the first term left out is below 1e-10.
  let s = top / (f + 1.0);
  let z = s * s;
  let tail = z * (0.33333334 + z * (0.2 + z * (0.14285715 + z * (0.11111111 + z * 0.09090909))));
  let ln = 2.0 * s + 2.0 * s * tail;
  // ln 2 in two parts; the first has 15 bits, so that its product with e is exact.
  let sum = f32(e) * 0.693145751953125 + (f32(e) * 1.4286068203094173e-6 + ln);
  return sqrt(-2.0 * sum);
}

/** Taylor series of cos a (first 0) and sin(a) / a (first 1) in z = a^2, |a| <= pi / 4. */
fn cosine(z: f32) -> f32 {
  return 1.0 + z * (-0.5 + z * (0.041666668 + z * (-0.0013888889 + z * (2.4801588e-5 + z * (-2.755732e-7 + z * 2.0876756e-9)))));
}
fn sine(z: f32) -> f32 {
  return 1.0 + z * (-0.16666667 + z * (0.008333334 + z * (-1.9841270e-4 + z * (2.7557319e-6 + z * -2.5052108e-8))));
}

/** cos and sin of word / 2^32 of a turn. */
fn onCircle(word: u32) -> vec2f {
  let quarter = (word + 0x20000000u) >> 30u;
  let angle = f32(bitcast<i32>(word - (quarter << 30u))) * (0x1p-30 * 1.57079632679);
  let z = angle * angle;
  let c = cosine(z);
  let s = angle * sine(z);
  switch (quarter) {
    case 0u: { return vec2f(c, s); }
    case 1u: { return vec2f(-s, c); }
    case 2u: { return vec2f(-c, -s); }
    default: { return vec2f(s, -c); }
  }
}

fn four(words: vec4u) -> vec4f {
  return vec4f(radius(words.x) * onCircle(words.y), radius(words.z) * onCircle(words.w));
}`;

const perBlock = (type: 'f32' | 'u32', convert: string, functions: string): string => `
@group(0) @binding(0) var<storage, read_write> values: array<${type}>;
${draw}
${philox}
${functions}
@compute @workgroup_size(${randomWorkgroup})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let blocks = (at.count + 3u) / 4u;
  for (var row = id.y; row < at.rows; row += groups.y) {
    for (var block = id.x; block < blocks; block += groups.x * ${randomWorkgroup}u) {
      let words = philox(vec4u(at.block + block, at.step, at.image + row, at.draw), at.key);
      let four = ${convert};
      let most = min(4u, at.count - 4u * block);
      for (var i = 0u; i < most; i++) { values[at.offset + row * at.count + 4u * block + i] = four[i]; }
    }
  }
}`;

/** The generator's words themselves, as u32. Bindings: the target, the draw. */
export const wordsShader = perBlock('u32', 'words', '');

/** Standard normal numbers, as f32 (Box and Muller 1958). Bindings: the target, the draw. */
export const normalShader = perBlock('f32', 'four(words)', normal);

/**
 * Whole numbers in [low, low + range), as `RandomStream.integers` has them. Which word a number takes depends on the
 * words rejected before it: an invocation draws a whole row. Bindings: the target, the draw.
 */
export const integersShader = (type: 'i32' | 'f32'): string => `
@group(0) @binding(0) var<storage, read_write> values: array<${type}>;
${draw}
${philox}
@compute @workgroup_size(${randomWorkgroup})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x;
  if (row >= at.rows) { return; }
  var block = at.block;
  var words = vec4u();
  var next = 4u;
  for (var i = 0u; i < at.count; i++) {
    var found = vec2u();
    loop {
      if (next == 4u) {
        words = philox(vec4u(block, at.step, at.image + row, at.draw), at.key);
        block += 1u;
        next = 0u;
      }
      found = multiply(words[next], at.range);
      next += 1u;
      if (found.x >= at.threshold) { break; }
    }
    values[at.offset + row * at.count + i] = ${type}(at.low + bitcast<i32>(found.y));
  }
}`;

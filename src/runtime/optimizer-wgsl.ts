/**
 * WGSL of the optimisers. A dispatch works on several weights at once: the y axis of the grid picks the weight, since a
 * shader cannot index its bindings, and the x axis strides over its elements. All arithmetic is float32.
 */

export const workgroupSize = 256;
/** Workgroups that share the sum over one tensor. */
export const sumBlocks = 256;

const range = (count: number): number[] => Array.from({ length: count }, (_, k) => k);

/** One statement for each weight of the group, chosen by the grid's y axis. */
const choose = (count: number, body: (k: number) => string): string =>
  `switch (group.y) {\n${range(count)
    .map((k) => `    ${k === count - 1 ? 'default' : `case ${k}u`}: { ${body(k)} }`)
    .join('\n')}\n  }`;

const bindings = (names: readonly string[], access: string, type: string, first: number): string =>
  names
    .map((name, i) => `@group(0) @binding(${first + i}) var<storage, ${access}> ${name}: array<${type}>;`)
    .join('\n');

/** What a group's uniform holds of each weight: 16 bytes each. */
const members = (count: number, binding: number): string => `
struct Member { count: u32, offset: u32, row: u32, decay: f32 }
@group(0) @binding(${binding}) var<uniform> members: array<Member, ${count}>;`;

const entry = `@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
)`;

const strided = (statement: string): string =>
  `for (var i = group.x * ${workgroupSize}u + lane; i < n; i += stride) { ${statement} }`;

/** Adds the lanes' values; the sum stands in `lanes[0]`. */
const sumLanes = (value: string): string => `
  lanes[lane] = ${value};
  for (var width = ${workgroupSize / 2}u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (lane < width) { lanes[lane] += lanes[lane + width]; }
  }`;

/**
 * Partial sums of squares of `count` tensors, or of differences of pairs. Bindings: the tensors (then their partners),
 * `partials` (rows of {@link sumBlocks}), the members.
 */
export function squaresShader(count: number, pairs: boolean): string {
  const values = range(count).map((k) => `x${k}`);
  const partners = pairs ? range(count).map((k) => `y${k}`) : [];
  const inputs = [...values, ...partners];
  const at = (k: number) => (pairs ? `x${k}[i] - y${k}[i]` : `x${k}[i]`);
  return `
${bindings(inputs, 'read', 'f32', 0)}
${bindings(['partials'], 'read_write', 'f32', inputs.length)}
${members(count, inputs.length + 1)}
var<workgroup> lanes: array<f32, ${workgroupSize}>;
${entry} {
  let n = members[group.y].count;
  let stride = groups.x * ${workgroupSize}u;
  var sum = 0.0;
  ${choose(count, (k) => strided(`let d = ${at(k)}; sum += d * d;`))}
  ${sumLanes('sum')}
  if (lane == 0u) { partials[members[group.y].row * ${sumBlocks}u + group.x] = lanes[0]; }
}`;
}

/** One workgroup a tensor: the sum of its row of partial sums. Bindings: `partials`, `squares`. */
export const rowsShader = `
${bindings(['partials'], 'read', 'f32', 0)}
${bindings(['squares'], 'read_write', 'f32', 1)}
var<workgroup> lanes: array<f32, ${workgroupSize}>;
${entry} {
  var sum = 0.0;
  for (var i = lane; i < ${sumBlocks}u; i += ${workgroupSize}u) { sum += partials[group.x * ${sumBlocks}u + i]; }
  ${sumLanes('sum')}
  if (lane == 0u) { squares[group.x] = lanes[0]; }
}`;

const step = (binding: number): string => `
struct Step {
  /** One over the number of passes, and over the gradients' scale: they arrive as sums. */
  share: f32,
  /** 0 means no clipping. */
  clip: f32,
  rate: f32,
  momentum: f32,
  beta2: f32,
  epsilon: f32,
  /** AdamW: rate / (1 - beta1^t). */
  size: f32,
  /** AdamW: sqrt(1 - beta2^t). */
  correction: f32,
  /** 1 - momentum and 1 - beta2, rounded from double precision. */
  freshMomentum: f32,
  freshSquare: f32,
}
@group(0) @binding(${binding}) var<uniform> step: Step;`;

/**
 * From the tensors' sums of squares to the factor on every gradient, as clip_grad_norm_ has it. Whether the norm is
 * finite is read off its bits, because WGSL lets compilers assume that NaN and infinities do not happen.
 * Bindings: `squares`, `outcome`, the step.
 */
export const clipShader = `
struct Outcome { scale: f32, apply: u32 }
${bindings(['squares'], 'read', 'f32', 0)}
@group(0) @binding(1) var<storage, read_write> outcome: Outcome;
${step(2)}
var<workgroup> lanes: array<f32, ${workgroupSize}>;
${entry} {
  var sum = 0.0;
  for (var i = lane; i < arrayLength(&squares); i += ${workgroupSize}u) { sum += squares[i]; }
  ${sumLanes('sum')}
  if (lane == 0u) {
    let total = lanes[0];
    outcome.apply = select(1u, 0u, (bitcast<u32>(total) & 0x7f800000u) == 0x7f800000u);
    let norm = sqrt(total) * step.share;
    outcome.scale = step.share * select(1.0, min(1.0, step.clip / (norm + 1e-6)), step.clip > 0.0);
  }
}`;

const sgd = `
fn updated(weight: f32, gradient: f32, at: u32, decay: f32) -> f32 {
  let velocity = step.momentum * momentum[at] + (gradient + decay * weight);
  momentum[at] = velocity;
  return weight - step.rate * velocity;
}`;

const adamw = `
fn updated(weight: f32, gradient: f32, at: u32, decay: f32) -> f32 {
  let m = momentum[at] + step.freshMomentum * (gradient - momentum[at]);
  let v = step.beta2 * variance[at] + step.freshSquare * gradient * gradient;
  momentum[at] = m;
  variance[at] = v;
  return weight * (1.0 - step.rate * decay) - step.size * m / (sqrt(v) / step.correction + step.epsilon);
}`;

/**
 * The update of `count` weights in place. Bindings: the weights, the gradients, `momentum` (and `variance` for AdamW,
 * both holding the whole group), the members, the step, the outcome.
 */
export function updateShader(kind: 'sgd' | 'adamw', count: number): string {
  const state = kind === 'adamw' ? ['momentum', 'variance'] : ['momentum'];
  const after = 2 * count + state.length;
  return `
struct Outcome { scale: f32, apply: u32 }
${bindings(
  range(count).map((k) => `w${k}`),
  'read_write',
  'f32',
  0,
)}
${bindings(
  range(count).map((k) => `g${k}`),
  'read',
  'f32',
  count,
)}
${bindings(state, 'read_write', 'f32', 2 * count)}
${members(count, after)}
${step(after + 1)}
@group(0) @binding(${after + 2}) var<uniform> outcome: Outcome;
${kind === 'adamw' ? adamw : sgd}
${entry} {
  if (outcome.apply == 0u) { return; }
  let member = members[group.y];
  let n = member.count;
  let stride = groups.x * ${workgroupSize}u;
  let scale = outcome.scale;
  ${choose(count, (k) => strided(`w${k}[i] = updated(w${k}[i], scale * g${k}[i], member.offset + i, member.decay);`))}
}`;
}

/** Adds `count` tensors to others in place. Bindings: the sums, what is added, the members. */
export function addShader(count: number): string {
  return `
${bindings(
  range(count).map((k) => `s${k}`),
  'read_write',
  'f32',
  0,
)}
${bindings(
  range(count).map((k) => `g${k}`),
  'read',
  'f32',
  count,
)}
${members(count, 2 * count)}
${entry} {
  let n = members[group.y].count;
  let stride = groups.x * ${workgroupSize}u;
  ${choose(count, (k) => strided(`s${k}[i] += g${k}[i];`))}
}`;
}

/**
 * Moves `count` averages towards tensors in place, by the share in the member's `decay`. Bindings: the averages, the
 * tensors, the members.
 */
export function averageShader(count: number): string {
  return `
${bindings(
  range(count).map((k) => `a${k}`),
  'read_write',
  'f32',
  0,
)}
${bindings(
  range(count).map((k) => `w${k}`),
  'read',
  'f32',
  count,
)}
${members(count, 2 * count)}
${entry} {
  let n = members[group.y].count;
  let share = members[group.y].decay;
  let stride = groups.x * ${workgroupSize}u;
  ${choose(count, (k) => strided(`a${k}[i] += share * (w${k}[i] - a${k}[i]);`))}
}`;
}

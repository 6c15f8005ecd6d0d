import { notCompared } from './blocks.ts';

/** One peer beside Acuity on one block. Milliseconds are medians of whole steps. */
export interface Row {
  name: string;
  /** `webgpu`: all on WebGPU on one adapter. `best`: what Acuity would choose here, against the peer's fastest. */
  backend: string;
  adapter: string;
  dtype: 'float32';
  ours_ms: number;
  peer: string;
  peer_ms: number;
  /** Ours divided by the peer's. */
  ratio: number;
  /** Largest difference of any gradient, divided by the largest element of that weight's gradient. */
  max_rel_err: number;
  /** Lowest and highest, milliseconds. */
  ours_spread: [number, number];
  peer_spread: [number, number];
  /** Lowest and highest ratio of the medians of one round. */
  ratio_spread: [number, number];
  steps: number;
  /** What ran each, such as `wasm, 2 threads`. */
  ours_setting: string;
  peer_setting: string;
}

/** Largest relative error at which two gradients count as the same. */
export const agreement = 1e-3;

export type Gradients = Readonly<Record<string, ArrayLike<number>>>;

/** {@link Row.max_rel_err}. Infinity where a gradient is missing, misshapen or not finite. */
export function gradientError(ours: Gradients, peer: Gradients): number {
  let worst = 0;
  for (const [name, expected] of Object.entries(peer)) {
    if (notCompared.includes(name)) continue;
    const found = ours[name];
    if (!found || found.length !== expected.length) return Number.POSITIVE_INFINITY;
    let scale = 0;
    let difference = 0;
    for (let i = 0; i < expected.length; i++) {
      const off = Math.abs(found[i]! - expected[i]!);
      if (!Number.isFinite(off)) return Number.POSITIVE_INFINITY;
      scale = Math.max(scale, Math.abs(expected[i]!));
      difference = Math.max(difference, off);
    }
    worst = Math.max(
      worst,
      scale === 0 ? (difference === 0 ? 0 : Number.POSITIVE_INFINITY) : difference / scale,
    );
  }
  return Object.keys(peer).length === 0 ? Number.POSITIVE_INFINITY : worst;
}

/** The rows whose gradients do not agree, as lines for the person. */
export const disagreements = (rows: readonly Row[]): string[] =>
  rows
    .filter(({ max_rel_err }) => !(max_rel_err <= agreement))
    .map(
      ({ name, backend, peer, max_rel_err }) =>
        `${name} (${backend}): the gradients of Acuity and ${peer} differ by ${max_rel_err.toExponential(1)}, more than ${agreement}`,
    );

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export interface Timed {
  setting: string;
  gradients: Gradients;
  /** Milliseconds of steps, a list for each round. */
  rounds: readonly (readonly number[])[];
}

/** Makes the row of a peer from steps that were taken in turns. */
export function rowOf(
  place: Pick<Row, 'name' | 'backend' | 'adapter'>,
  ours: Timed,
  peer: Timed & { name: string },
): Row {
  const all = { ours: ours.rounds.flat(), peer: peer.rounds.flat() };
  const ratios = ours.rounds.map((round, k) => median(round) / median(peer.rounds[k]!));
  const ours_ms = median(all.ours);
  const peer_ms = median(all.peer);
  return {
    ...place,
    dtype: 'float32',
    ours_ms: rounded(ours_ms),
    peer: peer.name,
    peer_ms: rounded(peer_ms),
    ratio: rounded(ours_ms / peer_ms),
    max_rel_err: Number(gradientError(ours.gradients, peer.gradients).toPrecision(2)),
    ours_spread: spread(all.ours),
    peer_spread: spread(all.peer),
    ratio_spread: spread(ratios),
    steps: all.ours.length,
    ours_setting: ours.setting,
    peer_setting: peer.setting,
  };
}

export const rounded = (value: number): number => Number(value.toPrecision(4));

const spread = (values: readonly number[]): [number, number] => [
  rounded(Math.min(...values)),
  rounded(Math.max(...values)),
];

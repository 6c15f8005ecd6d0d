/** How the cost of a step grows: seconds and memory of the built-in models on WebAssembly, each point a process. */
import { spawn } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { TrainableConfig } from '../../src/method/config.ts';
import { rounded } from '../peers/report.ts';
import { markdownTable } from '../table.ts';

/** One way of refining; what it leaves out is as in the point that all are held against. */
export interface GrowthPoint {
  batchSize: number;
  /** Edge of the teacher's latents: an eighth or so of its images' edge. */
  latentSize: number;
  trainable: TrainableConfig;
  /** Share of the inner values' peak that is allowed; less is computed twice. 1 is no limit. */
  budget: number;
}

export interface GrowthReply {
  milliseconds: number[];
  /** Edge of the teacher's images, pixels. */
  imageSize: number;
  /** Bytes of the process at its peak, above what it held with the models read. */
  used: number;
  /** Bytes by the plan. */
  planned: number;
  loss: number;
}

export interface GrowthRow {
  name: string;
  backend: 'wasm';
  adapter: 'none';
  dtype: 'float32';
  ours_ms: number;
  /** The run at batch 1 that trains everything and computes nothing twice. */
  peer: string;
  peer_ms: number;
  /** Ours divided by the peer's. */
  ratio: number;
  /** Of the loss, where both must have the same one: against nothing recomputed. Else 0. */
  max_rel_err: number;
  ours_spread: [number, number];
  /** MB (10^6 bytes). */
  memory_mb: number;
  planned_mb: number;
  peer_memory_mb: number;
}

const base: GrowthPoint = { batchSize: 1, latentSize: 16, trainable: { kind: 'all' }, budget: 1 };

const points: { name: string; change: Partial<GrowthPoint> }[] = [
  ...[1, 2, 4, 8].map((batchSize) => ({ name: `batch ${batchSize}`, change: { batchSize } })),
  ...[8, 16, 32].map((latentSize) => ({
    name: `latents ${latentSize}x${latentSize}`,
    change: { latentSize },
  })),
  { name: 'all weights', change: {} },
  { name: 'last 2 of 4 blocks', change: { trainable: { kind: 'last-k', blocks: 2 } } },
  { name: 'LoRA, rank 4', change: { trainable: { kind: 'lora', rank: 4, alpha: 4 } } },
  { name: 'LoRA, rank 16', change: { trainable: { kind: 'lora', rank: 16, alpha: 16 } } },
  ...[1, 0.75, 0.5, 0].map((budget) => ({
    name: `inner values at most ${100 * budget}%`,
    change: { budget, batchSize: 4 },
  })),
];

export async function growthRows(quick: boolean, say: (line: string) => void): Promise<GrowthRow[]> {
  const steps = quick ? 3 : 9;
  const rows: GrowthRow[] = [];
  const known = new Map<string, GrowthReply>();
  const measure = async (point: GrowthPoint): Promise<GrowthReply> => {
    const key = JSON.stringify(point);
    const reply = known.get(key) ?? (await measured(point, steps));
    known.set(key, reply);
    return reply;
  };
  const peer = await measure(base);
  for (const { name, change } of points) {
    const point = { ...base, ...change };
    const ours = await measure(point);
    const whole = point.budget < 1 ? await measure({ ...point, budget: 1 }) : ours;
    rows.push({
      name: `cost-growth, ${name}${change.latentSize ? ` (${ours.imageSize} px)` : ''}`,
      backend: 'wasm',
      adapter: 'none',
      dtype: 'float32',
      ours_ms: rounded(middle(ours.milliseconds)),
      peer: 'batch 1, all weights',
      peer_ms: rounded(middle(peer.milliseconds)),
      ratio: rounded(middle(ours.milliseconds) / middle(peer.milliseconds)),
      max_rel_err: Math.abs(ours.loss / whole.loss - 1),
      ours_spread: [rounded(Math.min(...ours.milliseconds)), rounded(Math.max(...ours.milliseconds))],
      memory_mb: Math.round(ours.used / 1e6),
      planned_mb: Math.round(ours.planned / 1e6),
      peer_memory_mb: Math.round(peer.used / 1e6),
    });
    say(JSON.stringify(rows.at(-1)));
  }
  return rows;
}

/** Recomputation must not change the loss by more than rounding. */
export const growthProblems = (rows: readonly GrowthRow[]): string[] =>
  rows
    .filter(({ max_rel_err }) => !(max_rel_err < 1e-5))
    .map(
      ({ name, max_rel_err }) =>
        `${name}: the loss differs by ${max_rel_err} from that of nothing recomputed`,
    );

export const growthTable = (rows: readonly GrowthRow[]): string =>
  markdownTable(
    ['refining', 'ms a step', 'times batch 1', 'memory MB', 'planned MB'],
    rows.map((row) => [
      row.name.replace('cost-growth, ', ''),
      `${row.ours_ms} (${row.ours_spread.join('-')})`,
      row.ratio,
      row.memory_mb,
      row.planned_mb,
    ]),
  );

const middle = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** In a process of its own: WebAssembly's memory grows and never shrinks. */
function measured(point: GrowthPoint, steps: number): Promise<GrowthReply> {
  const script = fileURLToPath(new URL('point.ts', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (piece) => {
      text += piece;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(text) as GrowthReply);
      else reject(new Error(`the point ${JSON.stringify(point)} ended with ${code}`));
    });
    child.stdin.end(JSON.stringify({ point, steps }));
  });
}

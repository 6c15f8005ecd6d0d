import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TypedGraph } from '../../onnx/model.ts';
import { fileOf } from './cpu-session.ts';

/** Runs a model once on ones, in a process of its own, and prints by how much its memory grew at most, bytes. */
const script = `
  import { InferenceSession, Tensor } from 'onnxruntime-node';
  const session = await InferenceSession.create(process.argv[1], {
    graphOptimizationLevel: process.argv[2], enableCpuMemArena: false, enableMemPattern: false, logSeverityLevel: 4,
  });
  const feeds = {};
  for (const { name, shape } of JSON.parse(process.argv[3])) {
    feeds[name] = new Tensor('float32', new Float32Array(shape.reduce((n, d) => n * d, 1)).fill(1), shape);
  }
  const before = process.resourceUsage().maxRSS;
  await session.run(feeds);
  console.log(1024 * (process.resourceUsage().maxRSS - before));
`;

/**
 * By how many bytes the memory of a process grows while onnxruntime's CPU provider runs a graph of float32 inputs
 * under one of its optimisation levels, allocating and freeing each value as it goes.
 */
export async function measuredPeak(graph: TypedGraph, optimization: 'disabled' | 'all'): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'peak-'));
  try {
    const file = join(folder, 'model.onnx');
    writeFileSync(file, await fileOf(graph));
    const args = [
      '--input-type=module',
      '-e',
      script,
      '--',
      file,
      optimization,
      JSON.stringify(graph.inputs),
    ];
    return Number(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 120_000 }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

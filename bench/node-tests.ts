/**
 * Runs ONNX's node tests against type inference and the constant evaluator.
 *
 *   npx tsx bench/node-tests.ts DIRECTORY [--failures]
 *
 * DIRECTORY is `onnx/backend/test/data/node` of an `onnx` wheel before 1.23 (or another folder of that layout). Every
 * value of a model is typed in turn, with the test's inputs as constants; nodes with an evaluator are computed. The
 * outputs' types must be exact, computed integers exact, computed floats within the tests' own tolerance.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isFloat } from '../src/onnx/data-types.ts';
import { readModel } from '../src/onnx/decode.ts';
import { MalformedModelError, UnsupportedModelError } from '../src/onnx/errors.ts';
import { evaluate, evaluateFromType } from '../src/onnx/fold/evaluate.ts';
import { inferNode, isKnownOperator } from '../src/onnx/infer/index.ts';
import type { Model, Tensor, TensorType } from '../src/onnx/model.ts';
import { bytesSource } from '../src/onnx/sources.ts';
import { valuesOf } from '../src/onnx/tensors.ts';

const { values: options, positionals } = parseArgs({
  options: { failures: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const directory = positionals[0];
if (!directory) throw new Error('Name the folder of the node tests');

type Outcome =
  | { kind: 'typed'; evaluated: boolean }
  | { kind: 'unreadable' | 'unknown operator' | 'wrong type' | 'wrong value' | 'refused'; why: string };

const inlineBytes = 2 ** 26;

/** A TensorProto file, read as the one initialiser of a model around it. */
async function readTensor(path: string): Promise<Tensor> {
  const tensor = readFileSync(path);
  const graph = Buffer.concat([Buffer.from([0x12, 1, 0x67, 0x2a, ...varint(tensor.length)]), tensor]);
  const head = Buffer.from([0x08, 8, 0x42, 2, 0x10, 21, 0x3a, ...varint(graph.length)]);
  const model = await readModel(bytesSource(path, Buffer.concat([head, graph])), { inlineBytes });
  return [...model.graph.initializers.values()][0]!;
}

function varint(n: number): number[] {
  return n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)];
}

async function readSet(folder: string, prefix: string, n: number): Promise<(Tensor | undefined)[]> {
  const files = new Set(readdirSync(folder));
  const names = Array.from({ length: n }, (_, i) => `${prefix}_${i}.pb`);
  return Promise.all(names.map((name) => (files.has(name) ? readTensor(join(folder, name)) : undefined)));
}

async function runCase(folder: string): Promise<Outcome> {
  let model: Model;
  let inputs: (Tensor | undefined)[];
  let expected: (Tensor | undefined)[];
  try {
    const bytes = readFileSync(join(folder, 'model.onnx'));
    model = await readModel(bytesSource('model.onnx', bytes), { inlineBytes });
    const set = join(folder, 'test_data_set_0');
    inputs = await readSet(set, 'input', model.graph.inputs.length);
    expected = await readSet(set, 'output', model.graph.outputs.length);
  } catch (error) {
    return { kind: 'unreadable', why: messageOf(error) };
  }
  const types = new Map<string, TensorType>();
  const constants = new Map<string, Tensor>();
  const add = (name: string, tensor: Tensor) => {
    types.set(name, tensor);
    constants.set(name, tensor);
  };
  for (const [name, tensor] of model.graph.initializers) add(name, tensor);
  for (const [i, { name }] of model.graph.inputs.entries()) if (inputs[i]) add(name, inputs[i]);

  const opset = model.opsets.get('') ?? 1;
  let evaluated = true;
  try {
    for (const node of model.graph.nodes) {
      if (!isKnownOperator(node.domain, node.op)) return { kind: 'unknown operator', why: node.op };
      const given = node.inputs.map((name) => types.get(name));
      const known = node.inputs.map((name) => constants.get(name));
      const found = inferNode(node, opset, given, (i) => known[i]);
      const complete = node.inputs.every((name) => name === '' || constants.has(name));
      const fromType = evaluateFromType(node, opset, given[0]);
      const computed = fromType ? [fromType] : complete ? evaluate(node, opset, known, found) : undefined;
      if (!computed) evaluated = false;
      for (const [i, name] of node.outputs.entries()) {
        types.set(name, found[i]!);
        if (computed?.[i]) constants.set(name, computed[i]);
      }
    }
  } catch (error) {
    return { kind: 'refused', why: messageOf(error) };
  }
  for (const [i, { name }] of model.graph.outputs.entries()) {
    const want = expected[i];
    if (!want) continue;
    const got = types.get(name);
    const text = (t: TensorType | undefined) => (t ? `${t.dtype}[${t.shape.join(', ')}]` : 'nothing');
    if (text(got) !== text(want)) return { kind: 'wrong type', why: `${text(got)} instead of ${text(want)}` };
    const value = constants.get(name);
    const difference = value && compare(value, want);
    if (difference) return { kind: 'wrong value', why: difference };
  }
  return { kind: 'typed', evaluated };
}

function compare(got: Tensor, want: Tensor): string | undefined {
  if (want.data.kind === 'strings' || got.data.kind === 'strings') return undefined;
  const [a, b] = [valuesOf(got), valuesOf(want)];
  const close = (x: number, y: number): boolean => {
    if (Object.is(x, y) || x === y) return true;
    if (!isFloat(want.dtype)) return false;
    const relative = want.dtype === 'float16' || want.dtype === 'bfloat16' ? 1e-2 : 1e-5;
    return Math.abs(x - y) <= 1e-7 + relative * Math.abs(y);
  };
  const at = a.findIndex((x, i) => !close(x, b[i]!));
  return at < 0 ? undefined : `element ${at} is ${a[at]} instead of ${b[at]}`;
}

function messageOf(error: unknown): string {
  if (error instanceof UnsupportedModelError || error instanceof MalformedModelError) return error.message;
  return error instanceof Error ? error.message : String(error);
}

const counts = new Map<string, number>();
const count = (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
const reasons = new Map<string, number>();
const cases = readdirSync(directory).sort();
for (const name of cases) {
  const outcome = await runCase(join(directory, name));
  if (outcome.kind === 'typed') {
    count('typed');
    if (outcome.evaluated) count('  of these computed');
    continue;
  }
  count(outcome.kind);
  if (outcome.kind === 'unknown operator') reasons.set(outcome.why, (reasons.get(outcome.why) ?? 0) + 1);
  else if (options.failures) console.log(`${name}: ${outcome.kind}: ${outcome.why}`);
}
console.log(`${cases.length} cases`);
for (const [kind, n] of counts) console.log(`${String(n).padStart(6)} ${kind}`);
const unknown = [...reasons].sort((a, b) => b[1] - a[1]).map(([op, n]) => `${op} ${n}`);
if (unknown.length > 0) console.log(`unknown operators: ${unknown.join(', ')}`);

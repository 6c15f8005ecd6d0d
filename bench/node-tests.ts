/**
 * Runs ONNX's backend tests against type inference, constant evaluation and specialisation.
 *
 *   npx tsx bench/node-tests.ts DIRECTORY... [--failures] [--page docs/conformance.md --suite 'onnx 1.19.1']
 *
 * DIRECTORY is a folder of cases, such as `onnx/backend/test/data/node` of an `onnx` wheel before 1.23. For each case:
 *
 * - types: every value is typed in turn, with the test's inputs as constants; the outputs' types must be exact;
 * - values: where all nodes have an evaluator, integers must be exact and floats agree to 1e-5 (float16 1e-2);
 * - runs: with integer inputs (and scales, ranges and depths) as constants and the others as inputs, the model is specialised, simplified, written and
 *   run in onnxruntime; outputs must agree within the tests' own tolerance (1e-3), wherever the runtime runs the
 *   original at all.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { asModel } from '../src/onnx/as-model.ts';
import { attributeOf } from '../src/onnx/attributes.ts';
import { isFloat } from '../src/onnx/data-types.ts';
import { readModel } from '../src/onnx/decode.ts';
import { encodeModel } from '../src/onnx/encode.ts';
import { ModelError } from '../src/onnx/errors.ts';
import { isKnownOperator } from '../src/onnx/infer/index.ts';
import type { Model, Tensor, TensorType } from '../src/onnx/model.ts';
import { collect } from '../src/onnx/parts.ts';
import { simplify } from '../src/onnx/passes/simplify.ts';
import { bytesSource } from '../src/onnx/sources.ts';
import { specialise } from '../src/onnx/specialise.ts';
import { valuesOf } from '../src/onnx/tensors.ts';
import { typeValues } from '../src/onnx/testing/type-values.ts';
import { message } from '../src/onnx/testing/wire.ts';

const { values: options, positionals: directories } = parseArgs({
  options: {
    failures: { type: 'boolean', default: false },
    page: { type: 'string' },
    suite: { type: 'string', default: 'the onnx package' },
  },
  allowPositionals: true,
});
if (directories.length === 0) throw new Error('Name the folders of the tests');

const inlineBytes = 2 ** 26;

interface Case {
  readonly bytes: Uint8Array;
  readonly model: Model;
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly expected: ReadonlyMap<string, Tensor>;
}

/** A TensorProto file, read as the value of the one Constant node of a model around it. */
async function readTensor(path: string): Promise<Tensor> {
  const attribute = message([1, 'value'], [5, new Uint8Array(readFileSync(path))], [20, 4]);
  const constant = message([2, 'y'], [4, 'Constant'], [5, attribute]);
  const model = message([1, 8], [7, message([1, constant])], [8, message([1, ''], [2, 21])]);
  const { graph } = await readModel(bytesSource(path, model), { inlineBytes });
  const value = attributeOf(graph.nodes[0]!, 'value', 'tensor');
  if (!value) throw new Error(`${path} holds no tensor`);
  return value.value;
}

async function readSet(
  folder: string,
  prefix: string,
  names: readonly string[],
): Promise<Map<string, Tensor>> {
  const set = new Map<string, Tensor>();
  for (const [i, name] of names.entries()) {
    const path = join(folder, `${prefix}_${i}.pb`);
    if (existsSync(path)) set.set(name, await readTensor(path));
  }
  return set;
}

async function readCase(folder: string): Promise<Case> {
  const bytes = readFileSync(join(folder, 'model.onnx'));
  const model = await readModel(bytesSource('model.onnx', bytes), { inlineBytes });
  const set = join(folder, readdirSync(folder).find((name) => name.startsWith('test_data_set')) ?? '');
  const names = (infos: readonly { name: string }[]) => infos.map((info) => info.name);
  const inputs = await readSet(set, 'input', names(model.graph.inputs));
  return { bytes, model, inputs, expected: await readSet(set, 'output', names(model.graph.outputs)) };
}

const spell = (type: TensorType | undefined): string =>
  type ? `${type.dtype}[${type.shape.join(', ')}]` : 'nothing';

/** What is wrong with inferred types and computed values, and whether there were values. */
function checkTypes({ model, inputs, expected }: Case): { wrong?: string; computed: boolean } {
  const { types, constants, computed } = typeValues(model, inputs);
  for (const [name, want] of expected) {
    const got = types.get(name);
    if (spell(got) !== spell(want)) return { wrong: `${spell(got)} instead of ${spell(want)}`, computed };
    const value = constants.get(name);
    const different = value && differenceOf(value, want, want.dtype === 'float16' ? 1e-2 : 1e-5);
    if (different) return { wrong: different, computed };
  }
  return { computed };
}

function differenceOf(got: Tensor, want: Tensor, relative: number): string | undefined {
  if (want.data.kind !== 'bytes' || got.data.kind !== 'bytes') return undefined;
  const [a, b] = [valuesOf(got), valuesOf(want)];
  const close = (x: number, y: number): boolean =>
    Object.is(x, y) || x === y || (isFloat(want.dtype) && Math.abs(x - y) <= 1e-7 + relative * Math.abs(y));
  const at = a.findIndex((x, i) => !close(x, b[i]!));
  return at < 0 ? undefined : `element ${at} is ${a[at]} instead of ${b[at]}`;
}

/** Runs the specialised model; undefined where the runtime does not run the original as the test expects. */
async function checkRun(test: Case): Promise<{ wrong?: string } | undefined> {
  const { model, inputs, expected, bytes } = test;
  if (![...inputs.values(), ...expected.values()].every((tensor) => runnable.has(tensor.dtype)))
    return undefined;
  if (!(await agrees(bytes, inputs, expected))) return undefined;
  const fixed = new Map([...inputs].filter(([name, { dtype }]) => !isFloat(dtype) || shaping.has(name)));
  const graph = {
    ...model.graph,
    inputs: model.graph.inputs.filter(({ name }) => !fixed.has(name)),
    initializers: new Map([...model.graph.initializers, ...fixed]),
  };
  const open = graph.inputs.filter(({ shape }) => !shape?.every((d) => typeof d === 'number'));
  const shapes = Object.fromEntries(open.map(({ name }) => [name, inputs.get(name)?.shape ?? []]));
  const special = simplify(await specialise({ ...model, graph }, { shapes }));
  const written = await collect(encodeModel(asModel(special)).parts);
  const feeds = new Map([...inputs].filter(([name]) => special.inputs.some((input) => input.name === name)));
  return (await agrees(written, feeds, expected))
    ? {}
    : { wrong: 'the specialised model gives something else' };
}

/** Names of floating-point inputs on which an output's shape depends. */
const shaping = new Set(['scales', 'depth', 'start', 'limit', 'delta']);

const runnable = new Set(['float32', 'float64', 'int64', 'int32', 'bool', 'uint8', 'int8']);

async function agrees(
  bytes: Uint8Array,
  inputs: ReadonlyMap<string, Tensor>,
  expected: ReadonlyMap<string, Tensor>,
): Promise<boolean> {
  try {
    const session = await InferenceSession.create(bytes, {
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 4,
    });
    const feeds = Object.fromEntries([...inputs].map(([name, tensor]) => [name, feed(tensor)]));
    const results = await session.run(feeds);
    return [...expected].every(([name, want]) => {
      const got = results[name];
      if (!got || got.dims.join() !== want.shape.join()) return false;
      const a = Array.from(got.data as ArrayLike<number | bigint>, Number);
      return valuesOf(want).every(
        (y, i) => Object.is(a[i], y) || Math.abs(a[i]! - y) <= 1e-6 + 1e-3 * Math.abs(y),
      );
    });
  } catch {
    return false;
  }
}

function feed(tensor: Tensor): OrtTensor {
  const values = valuesOf(tensor);
  const dims = [...tensor.shape];
  switch (tensor.dtype) {
    case 'float64':
      return new OrtTensor('float64', Float64Array.from(values), dims);
    case 'int64':
      return new OrtTensor('int64', BigInt64Array.from(values, BigInt), dims);
    case 'int32':
      return new OrtTensor('int32', Int32Array.from(values), dims);
    case 'bool':
      return new OrtTensor('bool', Uint8Array.from(values), dims);
    case 'uint8':
      return new OrtTensor('uint8', Uint8Array.from(values), dims);
    case 'int8':
      return new OrtTensor('int8', Int8Array.from(values), dims);
    default:
      return new OrtTensor('float32', Float32Array.from(values), dims);
  }
}

const counts = new Map<string, number>();
const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);
const unknown = new Map<string, number>();

const problems: { what: string; name: string; why: string }[] = [];

function note(what: string, name: string, why: string): void {
  count(what);
  problems.push({ what, name, why });
  if (options.failures) console.log(`${name}: ${what}: ${why}`);
}

async function runCase(folder: string, name: string): Promise<void> {
  let test: Case;
  try {
    test = await readCase(folder);
  } catch (error) {
    return note('not read (element types, sequences)', name, String(error));
  }
  const strange = test.model.graph.nodes.find((node) => !isKnownOperator(node.domain, node.op));
  if (strange) {
    unknown.set(strange.op, (unknown.get(strange.op) ?? 0) + 1);
    return count('with an operator that is not known');
  }
  try {
    const { wrong, computed } = checkTypes(test);
    if (wrong) return note('types or values wrong', name, wrong);
    count('types right');
    if (computed) count('values computed and right');
  } catch (error) {
    return note('types refused', name, error instanceof Error ? error.message : String(error));
  }
  try {
    const outcome = await checkRun(test);
    if (outcome?.wrong) note('runs wrong', name, outcome.wrong);
    else count(outcome ? 'runs right when specialised' : 'not run by the runtime as it is');
  } catch (error) {
    if (error instanceof ModelError) note('specialising refused', name, error.message);
    else note('specialising failed', name, String(error));
  }
}

let total = 0;
for (const directory of directories) {
  for (const name of readdirSync(directory).sort()) {
    if (!existsSync(join(directory, name, 'model.onnx'))) continue;
    total++;
    await runCase(join(directory, name), name);
  }
}
console.log(`${total} cases`);
for (const [what, n] of [...counts].sort((a, b) => b[1] - a[1]))
  console.log(`${String(n).padStart(6)} ${what}`);
const names = [...unknown].sort((a, b) => b[1] - a[1]).map(([op, n]) => `${op} ${n}`);
if (names.length > 0) console.log(`operators not known: ${names.join(', ')}`);

/** Rows of the page: a count for each outcome, in the order of the steps. */
const rows: readonly (readonly [outcome: string, meaning: string])[] = [
  ['types right', 'every output has exactly the type and shape that the test expects'],
  ['types or values wrong', ''],
  ['types refused', 'with a message'],
  [
    'values computed and right',
    'of these, all nodes have an evaluator and its numbers are the expected ones',
  ],
  ['runs right when specialised', 'specialised, simplified, written and run: same outputs'],
  ['runs wrong', ''],
  ['specialising refused', 'with a message: shapes that depend on values, undecided conditionals, loops'],
  ['specialising failed', 'with anything but a message'],
  [
    'not run by the runtime as it is',
    'onnxruntime does not reproduce the original either, so there is nothing to compare',
  ],
  ['with an operator that is not known', 'refused by name'],
  [
    'not read (element types, sequences)',
    'tests whose inputs are sequences, optionals or 4- and 8-bit floats',
  ],
];

if (options.page !== undefined) {
  const refused = problems.filter(({ what }) => !what.startsWith('not read'));
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');
  const lines = [
    '# Conformance',
    '',
    `Written by \`bench/node-tests.ts\`: the ${total} node tests of ${options.suite}, with onnxruntime-node as the runtime.`,
    'Numbers that tests give as constants of shape arithmetic (integer inputs, scales, ranges) are constants here too.',
    '',
    '| outcome | tests | |',
    '| --- | --- | --- |',
    ...rows.map(([outcome, meaning]) => `| ${outcome} | ${counts.get(outcome) ?? 0} | ${meaning} |`),
    '',
    `Operators that are not known, with their tests: ${names.join(', ')}.`,
    '',
    '## Refused',
    '',
    '| test | why |',
    '| --- | --- |',
    ...refused.map(({ name, why }) => `| \`${name}\` | ${cell(why)} |`),
  ];
  writeFileSync(options.page, `${lines.join('\n')}\n`);
}

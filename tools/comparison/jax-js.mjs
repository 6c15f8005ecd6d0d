// One model by jax-js: `node jax-js.mjs RIVALS MODEL.onnx` prints a line of JSON. MODEL.json says what to feed.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';

const [rivals, path] = process.argv.slice(2);
globalThis.navigator ??= { userAgent: 'node', hardwareConcurrency: 2 };
// Node 20 has no iterator helpers; browsers do.
const iterators = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
for (const name of ['map', 'filter', 'flatMap', 'forEach', 'reduce', 'some', 'every', 'find']) {
  iterators[name] ??= function (...given) {
    const found = [...this][name](...given);
    return Array.isArray(found) ? found.values() : found;
  };
}
iterators.toArray ??= function () {
  return [...this];
};
const require = createRequire(join(rivals, 'package.json'));
const said = { loads: false, differentiates: '' };
try {
  const jax = require('@jax-js/jax');
  const { ONNXModel } = require('@jax-js/onnx');
  await jax.init('wasm');
  jax.defaultDevice('wasm');
  const np = jax.numpy;
  const { inputs, targets, output, cotangent } = JSON.parse(
    readFileSync(path.replace(/\.onnx$/, '.json'), 'utf8'),
  );
  const arrayOf = ({ dtype, shape, values }) =>
    dtype === 'float32'
      ? np.array(Float32Array.from(values)).reshape(shape)
      : np.array(Int32Array.from(values), { dtype: np.int32 }).reshape(shape);
  const model = new ONNXModel(new Uint8Array(readFileSync(path)));
  const feeds = (skip = '') =>
    Object.fromEntries(
      Object.entries(inputs)
        .filter(([name]) => name !== skip)
        .map(([name, input]) => [name, arrayOf(input)]),
    );
  const found = await model.run(feeds())[output.name].data();
  const norm = Math.sqrt(found.reduce((sum, x) => sum + x * x, 0));
  said.loads = Math.abs(norm / output.norm - 1) < 1e-4;
  if (!said.loads) said.note = `the output's norm is ${norm}, not ${output.norm}`;
  else if (targets.length === 0) said.note = 'no floating-point input';
  else {
    const gradients = {};
    for (const target of targets) {
      const loss = (x) => {
        const y = model.run({ ...feeds(target), [target]: x })[output.name];
        return y.mul(arrayOf({ dtype: 'float32', ...cotangent })).sum();
      };
      gradients[target] = [...(await jax.grad(loss)(arrayOf(inputs[target])).data())];
    }
    said.differentiates = 'inputs';
    said.gradients = gradients;
  }
} catch (error) {
  said.note = String(error?.message ?? error).replaceAll(/\s+/g, ' ');
}
process.stdout.write(`${JSON.stringify(said)}\n`, () => process.exit());

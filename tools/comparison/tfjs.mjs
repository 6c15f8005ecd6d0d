// One model by tfjs: `node tfjs.mjs RIVALS MODEL.onnx` prints a line of JSON.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';

const [rivals, path] = process.argv.slice(2);
const said = { loads: false, differentiates: '' };
try {
  console.warn = () => {};
  const tf = createRequire(join(rivals, 'package.json'))('@tensorflow/tfjs');
  const bytes = readFileSync(path);
  await tf.loadGraphModel({ load: async () => JSON.parse(bytes.toString('utf8')) });
  said.loads = true;
} catch (error) {
  said.note = `reads TensorFlow's formats, not ONNX (${error.name})`;
}
process.stdout.write(`${JSON.stringify(said)}\n`, () => process.exit());

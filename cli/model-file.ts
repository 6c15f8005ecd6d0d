import { basename, dirname, resolve } from 'node:path';
import { openFile, siblings } from '../src/data/node-files.ts';
import { readModel } from '../src/onnx/decode.ts';
import type { Model } from '../src/onnx/model.ts';
import { type CommandIo, RefusedError } from './io.ts';
import { messageOf } from './options.ts';

/**
 * Reads a model and hands it on while its file is open: weights stay where they are until they are written.
 * External data is looked for beside the model.
 *
 * @param name as on the command line, relative to the caller's directory
 */
export async function withModel<T>(
  io: CommandIo,
  name: string,
  use: (model: Model, path: string) => Promise<T>,
): Promise<T> {
  const path = resolve(io.directory, name);
  const source = await openFile(path).catch((error: unknown) => {
    throw new RefusedError(`cannot read ${name}: ${messageOf(error)}`);
  });
  try {
    const external = await siblings(dirname(path), basename(path));
    return await use(await readModel(source, { external }), path);
  } finally {
    await source.close();
  }
}

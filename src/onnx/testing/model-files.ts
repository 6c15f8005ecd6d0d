import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { type ReadOptions, readModel } from '../decode.ts';
import type { ByteSource, Model, Tensor } from '../model.ts';
import { collect, type Part, sizeOfParts } from '../parts.ts';
import { bytesSource } from '../sources.ts';

const folder = new URL('../fixtures/', import.meta.url);

/** Names of the small real models beside the tests, without their ending. Made by tools/reference/onnx_files.py. */
export const modelFiles: readonly string[] = readdirSync(folder)
  .filter((name) => name.endsWith('.onnx'))
  .map((name) => name.slice(0, -'.onnx'.length));

/** A fixture's bytes. */
export const fileBytes = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, folder)));

/** What the Python package `onnx` reads in a fixture. */
export const pythonSays = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'));

/** The files of external data among the fixtures. */
export const shards: ReadonlyMap<string, ByteSource> = new Map(
  ['first.bin', 'second.bin'].map((name) => [name, bytesSource(name, fileBytes(name))]),
);

/** Reads a fixture, its external data at hand. */
export const readFixture = (name: string, options: ReadOptions = {}): Promise<Model> =>
  readModel(bytesSource(`${name}.onnx`, fileBytes(`${name}.onnx`)), { external: shards, ...options });

/** Reads a model from parts just written. */
export async function readParts(parts: readonly Part[], options: ReadOptions = {}): Promise<Model> {
  return readModel(bytesSource('written.onnx', await collect(parts)), options);
}

/** Parts as a source, none of them joined. */
export function partsSource(name: string, parts: readonly Part[]): ByteSource {
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    const bytes = new Uint8Array(length);
    let start = 0;
    for (const part of parts) {
      const from = Math.max(offset, start);
      const to = Math.min(offset + length, start + part.length);
      if (from < to) {
        const piece =
          part instanceof Uint8Array
            ? part.subarray(from - start, to - start)
            : await part.source.read(part.offset + from - start, to - from);
        bytes.set(piece, from - offset);
      }
      start += part.length;
    }
    return bytes;
  };
  return { name, size: sizeOfParts(parts), read };
}

/** A tensor's elements as little-endian bytes, wherever they are. */
export async function bytesOf({ data }: Tensor): Promise<Uint8Array> {
  if (data.kind === 'bytes') return data.bytes;
  if (data.kind === 'range') return data.source.read(data.offset, data.length);
  throw new Error('A string tensor has no bytes');
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

import { MalformedModelError, UnsupportedModelError } from './errors.ts';
import type { ByteSource } from './model.ts';

/** Keys of TensorProto.external_data (https://onnx.ai/onnx/repo-docs/ExternalData.html). */
const keys = new Set(['location', 'offset', 'length', 'checksum']);

/** What a tensor says of the file that holds its elements. */
export interface ExternalRequest {
  readonly entries: readonly { readonly key?: string | undefined; readonly value?: string | undefined }[];
  readonly external: ReadonlyMap<string, ByteSource>;
  readonly file: string;
  /** Of the tensor, for errors. */
  readonly name: string;
  /** Bytes that the tensor's shape and type ask for. */
  readonly expected: number;
}

/** A tensor's place in another file. */
export interface ExternalRange {
  /** The file's name as the model gives it, relative to the model. */
  readonly location: string;
  readonly source: ByteSource;
  readonly offset: number;
  readonly length: number;
}

/**
 * The range of another file that holds a tensor's elements. Files come from the person, never from a path: `location`
 * is only compared with the names of those given, as a whole or by its last part.
 */
export function externalRange(request: ExternalRequest): ExternalRange {
  const { file, name, expected } = request;
  const said = new Map<string, string>();
  for (const { key = '', value = '' } of request.entries) {
    if (!keys.has(key)) {
      throw new UnsupportedModelError(`External data has the unknown key "${key}"`, { file, value: name });
    }
    if (said.has(key))
      throw new MalformedModelError(`External data gives "${key}" twice`, { file, value: name });
    said.set(key, value);
  }
  const location = checkLocation(said.get('location') ?? '', file, name);
  const source = find(request.external, location);
  if (!source) {
    throw new MalformedModelError(
      `The weights of this model lie in another file, "${location}", which was not given`,
      { file, value: name },
      `Add ${location.split('/').at(-1)} together with ${file}`,
    );
  }
  const offset = byteCount(said.get('offset') ?? '0', 'offset', file, name);
  const length = byteCount(said.get('length') ?? String(expected), 'length', file, name);
  if (length !== BigInt(expected)) {
    throw new MalformedModelError(`Tensor needs ${expected} bytes but its external data has ${length}`, {
      file,
      value: name,
    });
  }
  if (offset + length > BigInt(source.size)) {
    throw new MalformedModelError(
      `Tensor lies at bytes ${offset} to ${offset + length} of ${source.name}, which has ${source.size}`,
      { file, value: name },
      `Check that ${source.name} belongs to this model and was downloaded whole`,
    );
  }
  return { location, source, offset: Number(offset), length: expected };
}

function checkLocation(location: string, file: string, name: string): string {
  const parts = location.split('/').filter((part) => part !== '.' && part !== '');
  const refused =
    parts.length === 0 ||
    location.startsWith('/') ||
    parts.includes('..') ||
    // Drive letters, alternate streams, URLs, Windows separators, control characters.
    /[:\\\p{Cc}]/u.test(location);
  if (!refused) return parts.join('/');
  throw new MalformedModelError(
    `External data names the file "${location.slice(0, 200)}", which is not a plain relative path`,
    { file, value: name },
    'Save the model again with its external data beside it',
  );
}

function find(external: ReadonlyMap<string, ByteSource>, location: string): ByteSource | undefined {
  const whole = external.get(location);
  if (whole) return whole;
  const base = location.split('/').at(-1);
  const matches = [...external].filter(([name]) => name.split(/[/\\]/).at(-1) === base);
  const exact = matches.filter(([name]) => name.endsWith(`/${location}`));
  if (exact.length === 1) return exact[0]![1];
  return matches.length === 1 ? matches[0]![1] : undefined;
}

function byteCount(text: string, key: string, file: string, name: string): bigint {
  if (/^\d{1,19}$/.test(text)) return BigInt(text);
  throw new MalformedModelError(`External data gives the ${key} "${text.slice(0, 40)}"`, {
    file,
    value: name,
  });
}

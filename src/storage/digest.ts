import { createSHA1, createSHA256 } from 'hash-wasm';

/** `sha256` of the bytes; `git`: SHA-1 of "blob <size>", a zero byte and the bytes, as Git names small files. */
export interface ExpectedDigest {
  kind: 'sha256' | 'git';
  /** Hexadecimal, small letters. */
  hex: string;
}

/** The digest of bytes that come in pieces; browsers themselves have none that runs along. */
export async function digestOf(
  kind: ExpectedDigest['kind'],
  size: number,
  parts: AsyncIterable<Uint8Array>,
): Promise<string> {
  const hasher = await (kind === 'git' ? createSHA1() : createSHA256());
  if (kind === 'git') hasher.update(new TextEncoder().encode(`blob ${size}\0`));
  for await (const part of parts) hasher.update(part);
  return hasher.digest();
}

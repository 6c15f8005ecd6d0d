import { sha256 } from '../../../src/data/hash.ts';

/**
 * Names weights by their contents: the encoder's id alone, or SHA-256 over it and the bytes of what a checkpoint
 * changed, as 16 hexadecimal digits.
 */
export async function modelHashOf(
  encoder: string,
  replaced: ReadonlyMap<string, Uint8Array>,
): Promise<string> {
  if (replaced.size === 0) return encoder;
  const lines = [encoder];
  for (const name of [...replaced.keys()].sort()) lines.push(`${name} ${await sha256(replaced.get(name)!)}`);
  return (await sha256(new TextEncoder().encode(lines.join('\n')))).slice(0, 16);
}

import { UsageError } from './io.ts';

export function wholeNumber(text: string, option: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`${option} takes a whole number, not "${text}"`);
  return Number(text);
}

export function decimal(text: string, option: string): number {
  if (!/^-?(\d+\.?\d*|\.\d+)$/.test(text)) throw new UsageError(`${option} takes a number, not "${text}"`);
  return Number(text);
}

export function oneOf<Name extends string>(names: readonly Name[], text: string, option: string): Name {
  const found = names.find((name) => name === text);
  if (found === undefined) throw new UsageError(`${option} is one of ${names.join(', ')}, not "${text}"`);
  return found;
}

/** `NAME=1,3,224,224`; the name may itself hold an equals sign. `NAME=` is a scalar. */
export function parseShape(text: string): [string, number[]] {
  const at = text.lastIndexOf('=');
  if (at <= 0) throw new UsageError(`--shape takes NAME=1,3,224,224, not "${text}"`);
  const sizes = text.slice(at + 1);
  return [
    text.slice(0, at),
    sizes === '' ? [] : sizes.split(',').map((size) => wholeNumber(size, '--shape')),
  ];
}

const units: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
};

/** A size such as `2147483648`, `2GiB` or `1.5 GB`, in bytes. */
export function parseBytes(text: string, option: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text) ?? [];
  const factor = units[unit.toUpperCase()];
  if (number === '' || factor === undefined) {
    throw new UsageError(`${option} takes a size such as 2GiB or 500MB, not "${text}"`);
  }
  return Math.floor(Number(number) * factor);
}

/** A name with `*` for any characters, as a test of names. */
export function matcher(pattern: string): (name: string) => boolean {
  const literal = pattern.split('*').map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  const expression = new RegExp(`^${literal.join('.*')}$`);
  return (name) => expression.test(name);
}

/** The message of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Runs a parser of arguments whose complaints are about usage. */
export function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

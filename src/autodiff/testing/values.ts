/** Draws the elements of an input. */
export type Domain = (random: () => number, count: number) => number[];

/**
 * All values lie on this grid, as the steps of the central differences do: adding a step is then exact in float32.
 */
const grid = 2 ** -10;

/** The nearest value of the grid. */
export const onGrid = (value: number): number => Math.round(value / grid) * grid;

/** How far values stay from kinks: beyond the reach of the widest central difference. */
export const clearance = 0.125;

/** Uniform in [low, high), but not near `kinks`, where a function has no derivative. */
export function uniform(low: number, high: number, kinks: readonly number[] = []): Domain {
  return (random, count) =>
    Array.from({ length: count }, () => {
      for (;;) {
        const value = onGrid(low + (high - low) * random());
        if (kinks.every((kink) => Math.abs(value - kink) > clearance)) return value;
      }
    });
}

/** Values of which no two are near each other, in random order: for maxima and rankings. */
export const distinct: Domain = (random, count) => {
  const values = Array.from({ length: count }, (_, i) => onGrid((i - count / 2) * 2 * clearance));
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [values[i], values[j]] = [values[j]!, values[i]!];
  }
  return values;
};

/** Integers in [low, high), for indices. */
export function integers(low: number, high: number): Domain {
  return (random, count) => Array.from({ length: count }, () => low + Math.floor(random() * (high - low)));
}

/** Given values. */
export function exactly(values: readonly number[]): Domain {
  return () => [...values];
}

/** Zeros and ones, for conditions. */
export const bits: Domain = integers(0, 2);

/** Numbers, sizes and times as the page shows them. English, tabular, no more digits than carry meaning. */

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** 12345 as "12,345". */
export function formatCount(value: number): string {
  return grouped.format(value);
}

/** "1 image", "12,345 images". */
export function formatPlural(value: number, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}

/** Decimal units, three digits: 3432708 as "3.43 MB". */
export function formatBytes(bytes: number): string {
  return withUnit(bytes, ['B', 'kB', 'MB', 'GB', 'TB']);
}

/** Number of weights: 87849216 as "87.8 M". */
export function formatParameters(value: number): string {
  return withUnit(value, ['', 'k', 'M', 'B', 'T']).trim();
}

function withUnit(value: number, units: readonly string[]): string {
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  const digits = unit === 0 ? 0 : scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
  return `${scaled.toFixed(digits)} ${units[unit]}`;
}

/** Seconds as "3 s", "2 min 5 s", "1 h 12 min". */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) {
    const rest = whole % 60;
    return rest === 0 ? `${Math.floor(whole / 60)} min` : `${Math.floor(whole / 60)} min ${rest} s`;
  }
  const minutes = Math.round(whole / 60);
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Milliseconds as "840 ms" or "12.3 s". */
export function formatMilliseconds(ms: number): string {
  if (ms > 0 && ms < 9.95) return `${ms.toFixed(1)} ms`;
  return ms < 10_000 ? `${formatCount(Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** `digits` significant digits at most, in powers of ten when very small or large: "0.25", "1e-5", "1.23e5". */
export function formatQuantity(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) {
    const [mantissa, exponent] = value.toExponential(Math.max(0, digits - 1)).split('e');
    return `${Number(mantissa)}e${Number(exponent)}`;
  }
  return String(Number(value.toPrecision(digits)));
}

/** A measured value: always `digits` significant digits, so that it does not jump while it changes. */
export function formatMeasure(value: number, digits = 3): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || size === 0 || size < 1e-3 || size >= 1e5)
    return formatQuantity(value, digits);
  return size >= 10 ** (digits - 1) ? value.toFixed(0) : value.toPrecision(digits);
}

/** A difference with its sign: "+3.0", "−1.5", "0.0". U+2212 keeps columns of signs level. */
export function formatSigned(value: number, digits = 1): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value > 0 ? '+' : '\u2212'}${text}`;
}

/** A p-value as papers print it: "p = 0.031", "p < 0.001". */
export function formatPValue(p: number): string {
  if (p < 0.001) return 'p < 0.001';
  return p > 0.999 ? 'p = 1' : `p = ${p.toFixed(3)}`;
}

/** An ISO 8601 moment as "24 Nov, 14:05", with the year when it is not this one. */
export function formatMoment(iso: string, now: Date = new Date()): string {
  const moment = new Date(iso);
  return new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    ...(moment.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' }),
    hour: '2-digit',
    minute: '2-digit',
  }).format(moment);
}

/** The last part of a `/`-separated path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

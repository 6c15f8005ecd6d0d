/** What a report shows: one table with a title, and what should be said about it. */
export interface ReportTable {
  title: string;
  columns: readonly string[];
  /** Numbers are points or percent of 100 and are written with one decimal; whole counts as text. */
  rows: readonly (readonly (string | number)[])[];
  notes?: readonly string[];
  pictures?: readonly ReportPicture[];
}

export interface ReportPicture {
  /** The image's file, whole. */
  bytes: Uint8Array;
  type: 'image/png' | 'image/jpeg' | 'image/webp';
  caption: string;
}

export interface Report {
  title: string;
  /** How the figures were made: models, data, mode. */
  facts: readonly (readonly [name: string, value: string])[];
  tables: readonly ReportTable[];
}

export const cellText = (cell: string | number): string =>
  typeof cell === 'number' ? cell.toFixed(1).replace(/^-0\.0$/, '0.0') : cell;

/** A dropped, picked or fetched file with its path relative to what was dropped, `/` between parts. */
export interface NamedBlob {
  path: string;
  blob: Blob;
}

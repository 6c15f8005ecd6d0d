/** From where, and how: in chunks as Acuity does, or the whole file in memory first. */
export interface LoadRequest {
  place: 'dropped file' | 'OPFS';
  way: 'streamed' | 'whole';
}

export interface LoadReply {
  adapter: string;
  milliseconds: number;
  /** Bytes read back from the GPU that differ from the file's. */
  wrong: number;
}

declare global {
  interface Window {
    /** Copies the chosen file into OPFS. */
    keepFile(): Promise<void>;
    loadFile(request: LoadRequest): Promise<LoadReply>;
  }
}

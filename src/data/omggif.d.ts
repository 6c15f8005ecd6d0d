declare module 'omggif' {
  export class GifReader {
    constructor(bytes: Uint8Array);
    readonly width: number;
    readonly height: number;
    frameInfo(frame: number): { palette_offset: number | null; transparent_index: number | null };
    decodeAndBlitFrameRGBA(frame: number, pixels: Uint8Array): void;
  }
}

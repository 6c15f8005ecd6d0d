import type { RawDecoder } from './decode.ts';
import { decodeDeepPng } from './deep-png.ts';
import { decodeGif } from './gif.ts';

/**
 * Decodes by the browser (GIF and 16-bit PNG by libraries, since browsers lose part of those), in a worker or on the page. Colour profiles are ignored and transparency stays straight.
 *
 * A canvas keeps colours multiplied by their opacity, which loses them where a pixel is transparent; files with
 * transparency therefore pass through a texture. Where there is no WebGL 2, they go over a canvas all the same, and
 * colours of nearly transparent pixels come out rounded.
 */
export const browserDecoder: RawDecoder = async (bytes, info) => {
  if (info.format === 'gif') return decodeGif(bytes);
  if (info.format === 'png' && info.bitDepth === 16) {
    return decodeDeepPng(bytes, info);
  }
  const bitmap = await createImageBitmap(
    new Blob([new Uint8Array(bytes)], { type: `image/${info.format}` }),
    {
      colorSpaceConversion: 'none',
      premultiplyAlpha: 'none',
    },
  );
  return {
    width: bitmap.width,
    height: bitmap.height,
    strips: () => (info.alpha && readTexture(bitmap)) || readCanvas(bitmap),
    close: () => bitmap.close(),
  };
};

/** Pixels that are read back at once: a canvas of a huge image would take as much memory again as its bitmap. */
const stripPixels = 2 ** 22;

function* readCanvas(bitmap: ImageBitmap): Iterable<Uint8ClampedArray> {
  const { width, height } = bitmap;
  const rows = Math.min(height, Math.max(1, Math.floor(stripPixels / width)));
  // Reading back often keeps the canvas in main memory, where drawing does not depend on the graphics driver.
  const context = new OffscreenCanvas(width, rows).getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error(`no canvas of ${width} x ${rows} pixels`);
  for (let top = 0; top < height; top += rows) {
    const count = Math.min(rows, height - top);
    // Opacity must not mix with the strip before.
    context.clearRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, top, width, count, 0, 0, width, count);
    yield context.getImageData(0, 0, width, count).data;
  }
}

/** One for all files: a browser allows few WebGL contexts. */
let sharedContext: WebGL2RenderingContext | null | undefined;

function readTexture(bitmap: ImageBitmap): [Uint8Array] | undefined {
  if (sharedContext === undefined || sharedContext?.isContextLost()) {
    sharedContext = new OffscreenCanvas(1, 1).getContext('webgl2');
  }
  const gl = sharedContext;
  const { width, height } = bitmap;
  if (!gl || Math.max(width, height) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) return undefined;
  const texture = gl.createTexture();
  const framebuffer = gl.createFramebuffer();
  try {
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    const data = new Uint8Array(width * height * 4);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, data);
    return gl.getError() === gl.NO_ERROR ? [data] : undefined;
  } finally {
    gl.deleteFramebuffer(framebuffer);
    gl.deleteTexture(texture);
  }
}

import { browserDecoder } from '../../src/data/browser-decoder.ts';
import { inspectImageFile, neutraliseOrientation } from '../../src/data/image-file.ts';

(window as any).raw = async (b64: string) => {
  const bytes = Uint8Array.from(atob(b64), (c) => c.charCodeAt(0));
  const info = inspectImageFile(bytes);
  const r = await browserDecoder(neutraliseOrientation(bytes, info), info);
  return { info, width: r.width, height: r.height, data: Array.from(r.data) };
};
(window as any).viaDecoder = async (b64: string, extra: any) => {
  const bytes = Uint8Array.from(atob(b64), (c) => c.charCodeAt(0));
  const info = inspectImageFile(bytes);
  const d = new ImageDecoder({
    data: bytes,
    type: 'image/' + info.format,
    colorSpaceConversion: 'none',
    ...extra,
  } as any);
  const { image } = await d.decode();
  const f = image.format;
  const data = new Uint8Array(image.allocationSize({ format: 'RGBA' }));
  await image.copyTo(data, { format: 'RGBA' });
  return {
    f,
    cs: image.colorSpace.toJSON(),
    data: Array.from(data),
    w: image.codedWidth,
    h: image.codedHeight,
  };
};

import { contentBytes, type FileContent } from './file-content.ts';
import { ImageFileError, inspectImageFile } from './image-file.ts';

/**
 * A small square JPEG of an image's middle, upright and over white, for showing it: by the browser's own quick means,
 * not those that encoders are measured with.
 *
 * @param edge in pixels
 * @param alone as for `createImageJobs`
 * @throws ImageFileError
 */
export async function browserThumbnail(
  blob: FileContent,
  edge: number,
  largePixels: number,
  alone: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<string> {
  const bytes = await contentBytes(blob);
  const { format, width, height } = inspectImageFile(bytes);
  const draw = async () => {
    const file = new Blob([bytes], { type: `image/${format}` });
    const bitmap = await createImageBitmap(file).catch(() => {
      throw new ImageFileError('The image’s data is damaged and cannot be decoded');
    });
    const canvas = new OffscreenCanvas(edge, edge);
    const context = canvas.getContext('2d', { alpha: false });
    if (!context) throw new Error(`no canvas of ${edge} x ${edge} pixels`);
    context.fillStyle = 'white';
    context.fillRect(0, 0, edge, edge);
    context.imageSmoothingQuality = 'medium';
    const side = Math.min(bitmap.width, bitmap.height);
    const [left, top] = [(bitmap.width - side) / 2, (bitmap.height - side) / 2];
    context.drawImage(bitmap, left, top, side, side, 0, 0, edge, edge);
    bitmap.close();
    return dataUrl(await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.85 }));
  };
  return width * height > largePixels ? alone(draw) : draw();
}

function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

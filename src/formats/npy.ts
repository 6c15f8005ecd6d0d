import { halfToNumber } from '../onnx/tensors.ts';

/** A NumPy array file (`.npy`), its elements as float32. */
export interface NpyArray {
  shape: number[];
  values: Float32Array<ArrayBuffer>;
}

/** The byte 0x93 and "NUMPY". */
const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/**
 * Reads a `.npy` file of floating-point numbers in C order (NumPy Enhancement Proposal 1; versions 1 to 3).
 * float64 is rounded to float32, float16 widened.
 *
 * @throws Error naming `name` and what is wrong with it.
 */
export function readNpy(bytes: Uint8Array, name: string): NpyArray {
  const refuse = (problem: string): never => {
    throw new Error(`${name}: ${problem}`);
  };
  if (bytes.length < 10 || magic.some((byte, i) => bytes[i] !== byte)) {
    refuse('not a NumPy array file. Save it with numpy.save()');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = bytes[6]! >= 2;
  if (wide && bytes.length < 12) refuse('ends inside its header');
  const headerStart = wide ? 12 : 10;
  const dataStart = headerStart + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  if (dataStart > bytes.length) refuse('ends inside its header');
  const header = new TextDecoder().decode(bytes.subarray(headerStart, dataStart));

  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const shapeText = /'shape'\s*:\s*\(([^)]*)\)/.exec(header)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  if (descr === undefined || shapeText === undefined || order === undefined) {
    return refuse('its header lacks descr, fortran_order or shape. Save it with numpy.save()');
  }
  const shape = shapeText
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(Number);
  if (shape.some((size) => !Number.isSafeInteger(size) || size < 0)) refuse(`has the shape (${shapeText})`);
  if (order === 'True' && shape.filter((size) => size > 1).length > 1) {
    refuse('is in Fortran order. Save numpy.ascontiguousarray(array)');
  }

  const width = widths[descr];
  if (width === undefined) {
    return refuse(`holds elements of type ${descr}. Save array.astype("float32")`);
  }
  const count = shape.reduce((n, size) => n * size, 1);
  if (bytes.length - dataStart !== count * width) {
    refuse(
      `holds ${bytes.length - dataStart} bytes of data, and its shape (${shapeText}) asks for ${count * width}`,
    );
  }
  const little = descr[0] !== '>';
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const at = dataStart + i * width;
    if (width === 4) values[i] = view.getFloat32(at, little);
    else if (width === 8) values[i] = view.getFloat64(at, little);
    else values[i] = halfToNumber(view.getUint16(at, little));
  }
  return { shape, values };
}

const widths: Record<string, number> = { '<f4': 4, '>f4': 4, '<f8': 8, '>f8': 8, '<f2': 2, '>f2': 2 };

/** Writes a `.npy` file of version 1, byte for byte as numpy.save() writes a float32 array in C order. */
export function writeNpy({ shape, values }: NpyArray): Uint8Array<ArrayBuffer> {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${sizes}), }`;
  // The data begins at a multiple of 64 bytes; the header ends with a new line.
  const start = Math.ceil((10 + header.length + 1) / 64) * 64;
  const bytes = new Uint8Array(start + values.byteLength).fill(0x20, 10, start - 1);
  const view = new DataView(bytes.buffer);
  bytes.set([...magic, 1, 0]);
  view.setUint16(8, start - 10, true);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes[start - 1] = 0x0a;
  for (const [i, value] of values.entries()) view.setFloat32(start + 4 * i, value, true);
  return bytes;
}

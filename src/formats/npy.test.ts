import { describe, expect, it } from 'vitest';
import { readNpy, writeNpy } from './npy.ts';

/** A file as NumPy writes it: magic, version, padded header, data. */
function npy(header: string, data: ArrayBuffer, version = 1): Uint8Array {
  const text = new TextEncoder().encode(`${header.padEnd(version === 1 ? 117 : 115)}\n`);
  const length = version === 1 ? [text.length & 255, text.length >> 8] : [text.length, 0, 0, 0];
  return new Uint8Array([
    0x93,
    ...new TextEncoder().encode('NUMPY'),
    version,
    0,
    ...length,
    ...text,
    ...new Uint8Array(data),
  ]);
}

// np.save of np.array([[1.5, -2, 0.1], [3, np.inf, 1e-3]], "f4"), whole file.
const saved =
  'k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAg' +
  'ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAMA/AAAAwM3MzD0AAEBAAACAf28Sgzo=';

describe('readNpy', () => {
  it('reads a file that NumPy wrote', () => {
    const { shape, values } = readNpy(Uint8Array.from(Buffer.from(saved, 'base64')), 'a.npy');
    expect(shape).toEqual([2, 3]);
    expect([...values]).toEqual([1.5, -2, 0.1, 3, Number.POSITIVE_INFINITY, 1e-3].map(Math.fround));
  });

  it('reads float64, big-endian, float16 and the longer header', () => {
    const header = (descr: string) => `{'descr': '${descr}', 'fortran_order': False, 'shape': (2,), }`;
    expect([...readNpy(npy(header('<f8'), new Float64Array([0.1, 2]).buffer, 2), 'a').values]).toEqual([
      Math.fround(0.1),
      2,
    ]);
    expect([
      ...readNpy(npy(header('>f4'), new Uint8Array([0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0]).buffer), 'a').values,
    ]).toEqual([1, -2]);
    expect([...readNpy(npy(header('<f2'), new Uint16Array([0x3c00, 0x8001]).buffer), 'a').values]).toEqual([
      1,
      -(2 ** -24),
    ]);
  });

  it('names the file and the way out of what it cannot read', () => {
    const header = (descr: string, order: string, shape: string) =>
      `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;
    const data = new Float32Array(6).buffer;
    expect(() => readNpy(npy(header('<f4', 'True', '(2, 3)'), data), 'x.npy')).toThrow(
      /x\.npy: .*ascontiguousarray/,
    );
    expect(() => readNpy(npy(header('<i8', 'False', '(3,)'), data), 'x.npy')).toThrow(/type <i8/);
    expect(() => readNpy(npy(header('<f4', 'False', '(2, 4)'), data), 'x.npy')).toThrow(
      /24 bytes .* asks for 32/,
    );
    expect(() => readNpy(new Uint8Array(200), 'x.npy')).toThrow(/not a NumPy array/);
    expect(() => readNpy(Uint8Array.from(Buffer.from(saved, 'base64')).subarray(0, 60), 'x.npy')).toThrow(
      /inside its header/,
    );
  });
});

describe('writeNpy', () => {
  it('writes what NumPy writes, byte for byte', () => {
    const array = readNpy(Uint8Array.from(Buffer.from(saved, 'base64')), 'a.npy');
    expect(Buffer.from(writeNpy(array)).toString('base64')).toBe(saved);
  });

  it('writes scalars, vectors and empty arrays', () => {
    for (const shape of [[], [3], [0, 4], [2, 1, 2]]) {
      const count = shape.reduce((n, size) => n * size, 1);
      const array = { shape, values: Float32Array.from({ length: count }, (_, i) => i + 0.5) };
      expect(readNpy(writeNpy(array), 'a.npy')).toEqual(array);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { findCaptioned, readCaptions } from './captions.ts';

const expected = {
  images: ['a.jpg', 'b/c.jpg'],
  captions: ['a dog, running', 'a cat', 'two dogs'],
  imageOf: [0, 1, 0],
};

describe('readCaptions', () => {
  it('reads a CSV, JSON lines and COCO', () => {
    const csv = '\ufeffimage,caption\r\na.jpg,"a dog, running"\r\nb/c.jpg,a cat\r\n./a.jpg, two dogs\r\n';
    expect(readCaptions(csv, 'captions.csv')).toEqual(expected);
    const lines =
      '{"image": "a.jpg", "caption": "a dog, running"}\n\n{"image": "b/c.jpg", "captions": ["a cat"]}\n' +
      '{"image": "a.jpg", "text": "two dogs"}\n';
    expect(readCaptions(lines, 'captions.jsonl')).toEqual(expected);
    const coco = {
      images: [
        { id: 7, file_name: 'a.jpg' },
        { id: 9, file_name: 'b/c.jpg' },
      ],
      annotations: [
        { image_id: 7, id: 1, caption: 'a dog, running' },
        { image_id: 9, id: 2, caption: 'a cat' },
        { image_id: 7, id: 3, caption: 'two dogs\n' },
      ],
    };
    expect(readCaptions(JSON.stringify(coco, null, 1), 'captions_val.json')).toEqual(expected);
  });

  it('names the entry that cannot be read', () => {
    expect(() => readCaptions('path,words\n', 'c.csv')).toThrow(/columns image,caption/);
    expect(() => readCaptions('image,caption\na.jpg\n', 'c.csv')).toThrow(/c\.csv, line 2: has no caption/);
    expect(() => readCaptions('{"image":"a","caption":"b"}\nnonsense', 'c.jsonl')).toThrow(
      /line 2: not a JSON/,
    );
    expect(() => readCaptions('[1, 2]', 'c.json')).toThrow(/line 1: not a JSON object/);
    expect(() => readCaptions('{"images": [null], "annotations": [{"image_id": 3}]}', 'c.json')).toThrow(
      /annotation 1: no image has the id 3/,
    );
    expect(() => readCaptions('{"images": [], "annotations": [null]}', 'c.json')).toThrow(/not an object/);
    expect(() => readCaptions('', 'c.jsonl')).toThrow(/holds no caption/);
  });
});

describe('findCaptioned', () => {
  const file = (path: string) => ({ path, blob: new Blob() });

  it('takes the path, or a name that only one file has', () => {
    const files = [file('val/a.jpg'), file('b/c.jpg'), file('d/c.jpg')];
    expect(findCaptioned(expected, files).map(({ path }) => path)).toEqual(['val/a.jpg', 'b/c.jpg']);
    expect(() => findCaptioned({ ...expected, images: ['e/c.jpg'] }, files)).toThrow(
      /1 of 1 images are missing: e\/c/,
    );
  });
});

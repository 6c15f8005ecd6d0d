import { expect, it } from 'vitest';
import { bytesSource } from '../onnx/sources.ts';
import { readEncoderFolder } from './encoder-folder.ts';
import { FolderError, ModelFolder } from './folder.ts';
import { readTeacherFolder } from './teacher-folder.ts';

const folder = (files: Record<string, string>) =>
  new ModelFolder(
    'dropped',
    new Map(
      Object.entries(files).map(([path, text]) => [path, bytesSource(path, new TextEncoder().encode(text))]),
    ),
  );

it('finds files whatever folder they were dropped under', async () => {
  const dropped = folder({
    'a/b/onnx/model.onnx': '1',
    'a/b/config.json': '{"x": 1}',
    'a/b/deep/config.json': '{}',
  });
  expect([...dropped.files.keys()]).toEqual(['onnx/model.onnx', 'config.json', 'deep/config.json']);
  expect(dropped.find('model.onnx')?.name).toBe('a/b/onnx/model.onnx');
  expect(await dropped.json('config.json')).toEqual({ x: 1 });
  expect(await dropped.json('missing.json')).toBeUndefined();
});

it('says which file is missing or broken', async () => {
  await expect(readEncoderFolder(folder({ 'config.json': '{}' }))).rejects.toThrow(
    /onnx\/vision_model\.onnx/,
  );
  await expect(readTeacherFolder(folder({ 'config.json': '{}' }))).rejects.toThrow(/unet\/model\.onnx/);
  await expect(folder({ 'config.json': '{' }).json('config.json')).rejects.toThrow(FolderError);
  await expect(folder({ 'config.json': '[]' }).json('config.json')).rejects.toThrow(
    /config\.json is not a JSON object/,
  );
});

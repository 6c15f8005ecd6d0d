import { describe, expect, it } from 'vitest';
import { readDatasetAddress, readHubAddress } from './hub-address.ts';

const hub = 'https://huggingface.co';

describe('readHubAddress', () => {
  it.each([
    ['openai/clip-vit-large-patch14', hub, 'openai/clip-vit-large-patch14', 'main'],
    [' team/model@v1.0 ', hub, 'team/model', 'v1.0'],
    ['https://huggingface.co/team/model', hub, 'team/model', 'main'],
    ['https://hf.co/team/model/', hub, 'team/model', 'main'],
    ['https://huggingface.co/team/model/tree/dev', hub, 'team/model', 'dev'],
    ['https://huggingface.co/team/model/blob/main/onnx/model.onnx?x=1', hub, 'team/model', 'main'],
    ['http://127.0.0.1:8000/team/model', 'http://127.0.0.1:8000', 'team/model', 'main'],
  ])('reads %s', (text, origin, repository, revision) => {
    expect(readHubAddress(text)).toEqual({ hub: origin, repository, revision });
  });

  it.each([
    '',
    'model',
    'a b/c',
    'https://huggingface.co/',
    'https://huggingface.co/datasets/team/set',
    '../..//x',
  ])('refuses "%s" and says what to write', (text) => {
    expect(() => readHubAddress(text)).toThrow(/Write owner\/name/);
  });
});

describe('readDatasetAddress', () => {
  it.each([
    ['team/set', hub, 'main', ''],
    ['datasets/team/set@v2', hub, 'v2', ''],
    ['team/set@v2/test/cats/', hub, 'v2', 'test/cats'],
    ['https://huggingface.co/datasets/team/set', hub, 'main', ''],
    ['https://huggingface.co/datasets/team/set/tree/dev/train/cats', hub, 'dev', 'train/cats'],
    ['https://huggingface.co/datasets/team/set/resolve/main/a%20b.tar?download=true', hub, 'main', 'a b.tar'],
    ['http://127.0.0.1:80/datasets/team/set', 'http://127.0.0.1', 'main', ''],
  ])('reads %s', (text, origin, revision, within) => {
    expect(readDatasetAddress(text)).toEqual({ hub: origin, repository: 'team/set', revision, within });
  });

  it.each(['', 'set', 'https://huggingface.co/team/model', 'datasets/set'])('refuses "%s"', (text) => {
    expect(() => readDatasetAddress(text)).toThrow(/names no data set. Write owner\/name/);
  });
});

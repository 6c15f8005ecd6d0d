import { describe, expect, it } from 'vitest';
import { readHubAddress } from './hub-address.ts';

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

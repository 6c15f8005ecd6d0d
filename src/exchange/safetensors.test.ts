import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../formats/safetensors.ts';
import { collect } from '../onnx/parts.ts';
import { bytesSource } from '../onnx/sources.ts';
import { mapClipVision } from './name-map.ts';
import { exportClipVision, transpose } from './safetensors.ts';
import { bytesOf, exported, stateDict } from './testing/clip-files.ts';

const readBack = async (parts: Parameters<typeof collect>[0]) =>
  readSafetensors(bytesSource('model.safetensors', await collect(parts)));

describe('exportClipVision', () => {
  it('writes the very tensors that PyTorch had', async () => {
    for (const variant of ['script-14', 'dynamo-18']) {
      const { weights } = await exportClipVision(await exported(variant), new Map(), {});
      const { tensors, metadata } = await readBack(weights.parts);
      expect(metadata.get('format')).toBe('pt');
      const expected = await stateDict();
      expect([...tensors.keys()].sort()).toEqual([...expected.keys()].sort());
      for (const [name, tensor] of tensors) {
        const wanted = expected.get(name)!;
        expect([name, tensor.dtype, tensor.shape]).toEqual([name, wanted.dtype, wanted.shape]);
        expect(Buffer.from(await bytesOf(tensor)).equals(Buffer.from(await bytesOf(wanted))), name).toBe(
          true,
        );
      }
    }
  });

  it('takes replaced weights in the graph’s own orientation', async () => {
    const model = await exported('script-14');
    const { initializer } = mapClipVision(model).parameters.find((p) =>
      p.name.endsWith('layers.1.mlp.fc1.weight'),
    )!;
    const values = Float32Array.from({ length: 8 * 12 }, (_, i) => i);
    const replaced = new Map([[initializer, new Uint8Array(values.buffer)]]);
    const { tensors } = await readBack((await exportClipVision(model, replaced, {})).weights.parts);
    const written = tensors.get('vision_model.encoder.layers.1.mlp.fc1.weight')!;
    expect(written.shape).toEqual([12, 8]);
    const numbers = [...new Float32Array((await bytesOf(written)).slice().buffer)];
    expect(numbers.slice(0, 9)).toEqual([0, 12, 24, 36, 48, 60, 72, 84, 1]);
  });

  it('refuses a replaced weight that the tower has not', async () => {
    const replaced = new Map([['gone.weight', new Uint8Array(4)]]);
    await expect(exportClipVision(await exported('script-14'), replaced, {})).rejects.toThrow(
      /no parameter.*model\.safetensors.*"gone\.weight"/,
    );
  });

  it('describes the tower as transformers reads it', async () => {
    const model = await exported('script-14');
    const sizes = {
      hidden_size: 8,
      intermediate_size: 12,
      num_hidden_layers: 2,
      patch_size: 4,
      image_size: 8,
      projection_dim: 6,
      model_type: 'clip_vision_model',
      architectures: ['CLIPVisionModelWithProjection'],
    };
    const vision_config = { num_attention_heads: 2, hidden_act: 'gelu', initializer_factor: 1, top_p: 1 };
    const whole = { model_type: 'clip', projection_dim: 6, text_config: {}, vision_config };
    const { config } = await exportClipVision(model, new Map(), whole);
    expect(JSON.parse(config)).toEqual({
      ...sizes,
      num_attention_heads: 2,
      hidden_act: 'gelu',
      layer_norm_eps: 1e-5,
      initializer_factor: 1,
    });
    // A whole number where a float is meant is refused by transformers.
    expect(config).toMatch(/"initializer_factor": 1\.0[,\n]/);
    const bare = await exportClipVision(model, new Map(), {});
    expect(JSON.parse(bare.config)).toMatchObject({ ...sizes, num_attention_heads: 1 });
    const plain = await exportClipVision(await exported('script-14-hidden'), new Map(), {});
    expect(JSON.parse(plain.config)).toMatchObject({ architectures: ['CLIPVisionModel'] });
  });
});

describe('transpose', () => {
  it('turns elements of any width', () => {
    expect([...transpose(Uint8Array.of(1, 2, 3, 4, 5, 6), 2, 3, 1)]).toEqual([1, 4, 2, 5, 3, 6]);
    expect([...transpose(Uint8Array.of(1, 10, 2, 20, 3, 30, 4, 40), 2, 2, 2)]).toEqual([
      1, 10, 3, 30, 2, 20, 4, 40,
    ]);
  });
});

import { expect, it } from 'vitest';
import { modelFiles } from './model-files.ts';

const files = (...paths: string[]) => paths.map((path) => ({ path, size: 1 }));

it('takes the float32 towers of a transformers.js repository and what describes them', () => {
  const listing = files(
    ...['README.md', 'config.json', 'preprocessor_config.json', 'tokenizer.json', 'tokenizer_config.json'],
    ...['onnx/model.onnx', 'onnx/vision_model.onnx', 'onnx/vision_model_fp16.onnx', 'onnx/text_model.onnx'],
    ...['onnx/text_model_quantized.onnx', 'onnx/vision_model.onnx_data', 'model.safetensors'],
  );
  expect(modelFiles('encoder', listing).sort()).toEqual([
    ...['config.json', 'onnx/text_model.onnx', 'onnx/vision_model.onnx', 'onnx/vision_model.onnx_data'],
    ...['preprocessor_config.json', 'tokenizer.json', 'tokenizer_config.json'],
  ]);
  expect(modelFiles('teacher', listing)).toEqual([]);
});

it('takes the parts of a diffusers export with their external data, and no other formats', () => {
  const listing = files(
    ...['model_index.json', 'unet/model.onnx', 'unet/weights.pb', 'unet/diffusion_pytorch_model.safetensors'],
    ...['unet/config.json', 'vae_encoder/model.onnx', 'vae_decoder/model.onnx', 'text_encoder/model.onnx'],
    ...['tokenizer/tokenizer.json', 'scheduler/scheduler_config.json', 'safety_checker/model.onnx'],
  );
  expect(modelFiles('teacher', listing)).toEqual([
    ...[
      'model_index.json',
      'unet/model.onnx',
      'unet/weights.pb',
      'unet/config.json',
      'vae_encoder/model.onnx',
    ],
    ...['text_encoder/model.onnx', 'tokenizer/tokenizer.json', 'scheduler/scheduler_config.json'],
  ]);
  expect(modelFiles('encoder', listing)).toEqual([]);
});

import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { simplify } from '../onnx/passes/simplify.ts';
import { checkWholeModel, referenceOf, type WholeModelCheck } from './testing/whole-model.ts';

const models = readdirSync(new URL('fixtures/models/', import.meta.url));
const hang = 120_000;

describe.each(models)('gradients of %s agree with PyTorch', (name) => {
  const reference = referenceOf(name);
  const files = Object.keys(reference.files);

  function expectAgreement(check: WholeModelCheck, file: string): void {
    const { missing } = reference.files[file]!;
    expect(check.compared).toBe(Object.keys(reference.gradients).length - missing.length);
    expect(check.outputError).toBeLessThan(1e-5);
    expect(check.relativeError).toBeLessThan(1e-4);
    expect(check.cosine).toBeGreaterThan(0.99999);
    expect(check.worst.error, check.worst.name).toBeLessThan(1e-3);
  }

  it.each(files)('%s', { timeout: hang }, async (file) => {
    expectAgreement(await checkWholeModel(name, file), file);
  });

  it.each([files.at(0)!, files.at(-1)!])('%s, simplified first', { timeout: hang }, async (file) => {
    expectAgreement(await checkWholeModel(name, file, simplify), file);
  });
});

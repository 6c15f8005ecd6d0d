import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkWholeModel, referenceOf } from './testing/whole-model.ts';

const models = readdirSync(new URL('fixtures/models/', import.meta.url));

describe.each(models)('%s', (name) => {
  const reference = referenceOf(name);
  it.each(Object.keys(reference.files))(
    '%s: gradients agree with PyTorch',
    { timeout: 120_000 },
    async (file) => {
      const check = await checkWholeModel(name, file);
      expect(check.outputError).toBeLessThan(1e-5);
      expect(check.compared).toBe(
        Object.keys(reference.gradients).length - reference.files[file]!.missing.length,
      );
      expect(check.relativeError).toBeLessThan(1e-4);
      expect(check.cosine).toBeGreaterThan(0.99999);
      expect(check.worst.error, check.worst.name).toBeLessThan(1e-3);
    },
  );
});

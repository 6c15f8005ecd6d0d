import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { rules } from '../src/autodiff/rules/index.ts';
import { ruleNotes } from '../src/autodiff/rules/notes.ts';
import { undifferentiable } from '../src/autodiff/rules/undifferentiable.ts';
import { operatorDocs } from './operator-docs.ts';

it('docs/operators.md says what the code does (else run: npx tsx scripts/write-operator-docs.ts)', () => {
  const written = readFileSync(new URL('../docs/operators.md', import.meta.url), 'utf8');
  expect(written).toBe(operatorDocs());
});

it('describes every operator that has a rule, and no other', () => {
  const described = [...Object.keys(ruleNotes), ...Object.keys(undifferentiable)];
  expect(described.sort()).toEqual(Object.keys(rules).sort());
});

import { expect, test } from 'vitest';
import { firstPlan, requestOf } from './plan.ts';

test('a plan needs something to evaluate on, and names what is wrong where it is', () => {
  const given = requestOf({ ...firstPlan, seeds: '0, x', templates: 'own', ownTemplates: 'a photo' });
  expect(given.ok ? {} : given.problems).toMatchObject({
    data: expect.stringMatching(/at least one/),
    seeds: expect.stringMatching(/Whole numbers/),
    ownTemplates: expect.stringMatching(/line 1: “a photo” has no \{\}/),
  });
});

test('a set of classes that nothing is done with is left out', () => {
  const plan = { ...firstPlan, classes: 'c', benchmark: 'b', zeroShot: false, knn: false, probe: false };
  const given = requestOf(plan);
  expect(given.ok && given.request).toMatchObject({ benchmark: 'b', classes: null, seeds: [0, 1, 2] });
});

test('the 80 templates of ImageNet are the default', () => {
  const given = requestOf({ ...firstPlan, classes: 'c', seeds: '7' });
  expect(given.ok && given.request.templates.name).toBe('ImageNet (80)');
  expect(given.ok && given.request.templates.list).toHaveLength(80);
});

import { z } from 'zod';
import type { EvaluationRequest } from '../../../workers/protocol.ts';
import { imagenetTemplates } from '../../text/templates/imagenet.ts';
import { readTemplates } from '../../text/templates/templates.ts';
import { problemOf } from '../shared/work.ts';

/** What the form holds: everything of a request but the weights. Texts are as they were typed. */
export interface Plan {
  benchmark: string | null;
  classes: string | null;
  captions: string | null;
  masks: string | null;
  zeroShot: boolean;
  knn: boolean;
  probe: boolean;
  divaStyle: EvaluationRequest['divaStyle'];
  mode: EvaluationRequest['mode'];
  templates: 'imagenet' | 'plain' | 'own';
  ownTemplates: string;
  seeds: string;
}

export const firstPlan: Plan = {
  benchmark: null,
  classes: null,
  captions: null,
  masks: null,
  zeroShot: true,
  knn: true,
  probe: true,
  divaStyle: null,
  mode: 'reference',
  templates: 'imagenet',
  ownTemplates: 'a photo of a {}.\na drawing of a {}.',
  seeds: '0, 1, 2',
};

const seedList = z
  .string()
  .transform((text) => text.split(/[\s,;]+/).filter(Boolean))
  .pipe(
    z
      .array(z.string().regex(/^\d{1,9}$/))
      .min(1)
      .max(20),
  );

/** The plan as a request without weights, or what is wrong with it, field by field. */
export function requestOf(
  plan: Plan,
):
  | { ok: true; request: Omit<EvaluationRequest, 'weights' | 'name'> }
  | { ok: false; problems: { seeds?: string; ownTemplates?: string; data?: string } } {
  const problems: { seeds?: string; ownTemplates?: string; data?: string } = {};
  const { benchmark, captions, masks, mode } = plan;
  const classes = plan.zeroShot || plan.knn || plan.probe ? plan.classes : null;
  if ([benchmark, classes, captions, masks].every((set) => set === null))
    problems.data = 'Choose at least one benchmark, set of classes, captions or masks.';
  const seeds = seedList.safeParse(plan.seeds);
  if (!seeds.success) problems.seeds = 'Whole numbers with commas between, at most 20.';
  let list: readonly string[] = imagenetTemplates;
  if (plan.templates === 'plain') list = ['a photo of a {}.'];
  if (plan.templates === 'own') {
    try {
      list = readTemplates(plan.ownTemplates, 'Your templates');
    } catch (error) {
      problems.ownTemplates = problemOf(error);
    }
  }
  if (!seeds.success || Object.keys(problems).length > 0) return { ok: false, problems };
  const names = { imagenet: 'ImageNet', plain: 'plain', own: 'own' } as const;
  return {
    ok: true,
    request: {
      benchmark,
      classes,
      captions,
      masks,
      mode,
      zeroShot: plan.zeroShot,
      knn: plan.knn,
      probe: plan.probe,
      divaStyle: plan.divaStyle,
      seeds: seeds.data.map(Number),
      templates: { name: `${names[plan.templates]} (${list.length})`, list: [...list] },
    },
  };
}

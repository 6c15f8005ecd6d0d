import { Button, Checkbox, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useEffect } from 'react';
import { divaRuleNames, divaRules } from '../../evaluation/diva-style.ts';
import { useCheckpoints } from '../checkpoints/store.ts';
import { Panel } from '../shared/Panel.tsx';
import { parseWeights, useWeightChoices } from '../shared/weight-choices.ts';
import { type Plan, requestOf } from './plan.ts';
import { useEvaluate } from './store.ts';

/** Which models, and how: the suite that one button runs. */
export function SuitePanel() {
  const { plan, baseline, others, work } = useEvaluate();
  const { change, choose, run } = useEvaluate.getState();
  const groups = useWeightChoices();
  const items = groups.flatMap((group) => group.items);
  const given = requestOf(plan);
  const problems = given.ok ? {} : given.problems;

  // A sensible start: the original against the newest checkpoint, once it is known whether there is one.
  const known = useCheckpoints((state) => state.state !== 'loading');
  const original = items.find(({ value }) => value.startsWith('original:'))?.value;
  const newest = items.find(({ value }) => value.startsWith('checkpoint:'))?.value;
  useEffect(() => {
    if (!known || !original || useEvaluate.getState().baseline) return;
    choose({ baseline: original, others: newest ? [newest] : [] });
  }, [known, original, newest, choose]);

  const models = [...(baseline ? [baseline] : []), ...others.filter((value) => value !== baseline)].flatMap(
    (value) => {
      const item = items.find((each) => each.value === value);
      return item ? [{ weights: parseWeights(value), name: item.label }] : [];
    },
  );

  return (
    <Panel
      title="Acuity suite"
      note="Pairs, zero-shot classes and masks, k-NN, linear probe and retrieval in one go: every model chosen on all the data above, compared with the first."
      aside={
        <Button
          leftSection={<IconPlayerPlay size={16} stroke={1.75} />}
          disabled={!given.ok || models.length === 0 || work.state === 'busy'}
          onClick={() => given.ok && void run(models, given.request)}
        >
          Run the suite
        </Button>
      }
    >
      <div className="evaluate-suite">
        <div className="evaluate-part">
          <NativeSelect
            label="Compare with"
            value={baseline ?? ''}
            data={groups}
            onChange={(event) => choose({ baseline: event.currentTarget.value })}
          />
          <fieldset className="evaluate-models">
            <legend>Models</legend>
            {items
              .filter(({ value }) => value !== baseline)
              .map(({ value, label }) => (
                <Checkbox
                  key={value}
                  size="xs"
                  label={label}
                  checked={others.includes(value)}
                  onChange={(event) =>
                    choose({
                      others: event.currentTarget.checked
                        ? [...others, value]
                        : others.filter((other) => other !== value),
                    })
                  }
                />
              ))}
            {items.length < 2 && <p>No other model yet. The first can be scored alone.</p>}
          </fieldset>
        </div>
        <Methods plan={plan} change={change} seedsProblem={problems.seeds} />
        <Prompts plan={plan} change={change} problem={problems.ownTemplates} />
      </div>
      {problems.data && (
        <p className="evaluate-hint" role="status">
          {problems.data}
        </p>
      )}
    </Panel>
  );
}

const divaLabels = {
  openai: `OpenAI: ${divaRuleNames.openai}`,
  metaclip: `MetaCLIP: ${divaRuleNames.metaclip}`,
} as const;

interface PartProps {
  plan: Plan;
  change: (change: Partial<Plan>) => void;
}

function Methods({ plan, change, seedsProblem }: PartProps & { seedsProblem: string | undefined }) {
  const methods = [
    ['zeroShot', 'Zero-shot classification'],
    ['knn', 'k-NN (20 neighbours)'],
    ['probe', 'Linear probe'],
  ] as const;
  return (
    <div className="evaluate-part">
      <fieldset className="evaluate-models">
        <legend>On classes</legend>
        {methods.map(([key, label]) => (
          <Checkbox
            key={key}
            size="xs"
            label={label}
            checked={plan[key]}
            onChange={(event) => change({ [key]: event.currentTarget.checked })}
          />
        ))}
      </fieldset>
      <NativeSelect
        label="Pairs also DIVA-style"
        description="By the embeddings of DIVA’s own scripts, beside the official class token."
        value={plan.divaStyle ?? ''}
        data={[
          { value: '', label: 'No: class token alone' },
          ...divaRules.map((rule) => ({ value: rule, label: `As for ${divaLabels[rule]}` })),
        ]}
        onChange={(event) =>
          change({ divaStyle: divaRules.find((rule) => rule === event.currentTarget.value) ?? null })
        }
      />
      <TextInput
        label="Seeds"
        description="k-NN and probe learn from 80% of each class; DIVA draws patches."
        value={plan.seeds}
        error={seedsProblem}
        onChange={(event) => change({ seeds: event.currentTarget.value })}
      />
    </div>
  );
}

function Prompts({ plan, change, problem }: PartProps & { problem: string | undefined }) {
  return (
    <div className="evaluate-part">
      <NativeSelect
        label="Pixels"
        value={plan.mode}
        data={[
          { value: 'reference', label: 'Reference: as Pillow gives them' },
          { value: 'photo', label: 'Photo: EXIF rotation, alpha over white' },
        ]}
        onChange={(event) => change({ mode: event.currentTarget.value === 'photo' ? 'photo' : 'reference' })}
      />
      <NativeSelect
        label="Prompt templates"
        value={plan.templates}
        data={[
          { value: 'imagenet', label: 'The 80 of ImageNet' },
          { value: 'plain', label: 'a photo of a {}.' },
          { value: 'own', label: 'Your own' },
        ]}
        onChange={(event) => change({ templates: event.currentTarget.value as Plan['templates'] })}
      />
      {plan.templates === 'own' && (
        <Textarea
          label="Your templates"
          description="One a line, {} where the class name goes."
          rows={4}
          value={plan.ownTemplates}
          error={problem}
          onChange={(event) => change({ ownTemplates: event.currentTarget.value })}
        />
      )}
    </div>
  );
}

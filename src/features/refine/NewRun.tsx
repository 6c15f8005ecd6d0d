import { Button, SegmentedControl } from '@mantine/core';
import { IconDeviceFloppy, IconPlayerPlay } from '@tabler/icons-react';
import { type PresetName, presets } from '../../method/config.ts';
import { useImages } from '../images/store.ts';
import { useModels } from '../models/store.ts';
import { Panel } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { WorkProgress } from '../shared/WorkProgress.tsx';
import { ConfigForm } from './ConfigForm.tsx';
import { ConfusedPair } from './ConfusedPair.tsx';
import { presetLabels } from './config-difference.ts';
import { readDraft } from './draft.ts';
import { Ingredients } from './Ingredients.tsx';
import { MemoryPlan } from './MemoryPlan.tsx';
import { RunPlan } from './RunPlan.tsx';
import { useRefine } from './store.ts';
import './new-run.css';

const presetNotes: Record<PresetName, string> = {
  quick: 'Small and fast, for the built-in models: AdamW, one noise draw, 60 steps.',
  diva: 'The published setting for OpenAI encoders (SGD, two noise draws), at a batch that a tab can hold.',
  genhancer:
    'After GenHancer: class token alone, 100 steps for the projection, then all weights; logit-normal timesteps.',
  textInverse:
    'The class token through a fixed map fitted on sentences, whole pictures, and an anchor that protects zero-shot. The demo’s recipe.',
};

/** The form for a new run: ingredients, preset, every setting, and what they add up to. */
export function NewRun() {
  const draft = useRefine((state) => state.draft);
  const preset = useRefine((state) => state.preset);
  const starting = useRefine((state) => state.starting);
  const graph = useRefine((state) => state.graph);
  const { encoder, teacher, hardware } = useModels();
  const set = useImages((state) => state.sets.find(({ id }) => id === state.set));
  const { takePreset: take, start, cancelStart, saveGraph } = useRefine.getState();

  const read = readDraft(draft, { images: set?.count, hardware: hardware ?? undefined });
  const problems = 'problems' in read ? read.problems : {};
  const wrong = Object.keys(problems).length;
  const missing = [
    encoder === null && 'an encoder',
    teacher === null && 'a teacher',
    set === undefined && 'an image set',
  ].filter((each) => each !== false);
  const ready = encoder !== null && teacher !== null && set !== undefined && 'config' in read;

  return (
    <div className="new-run">
      <div className="new-run-form">
        <Ingredients />
        <Panel
          title="Settings"
          note={preset ? presetNotes[preset] : 'Changed from the preset. Choose one again to go back to it.'}
          aside={
            <SegmentedControl
              size="xs"
              aria-label="Preset"
              value={preset ?? ''}
              onChange={(value) => take(value as PresetName)}
              data={(Object.keys(presets) as PresetName[])
                .reverse()
                .map((value) => ({ value, label: presetLabels[value] }))}
            />
          }
        >
          <ConfigForm draft={draft} problems={problems} />
        </Panel>
      </div>
      <aside className="new-run-side" aria-label="Start">
        <Panel title="This run">
          <RunPlan config={'config' in read ? read.config : null} images={set?.count ?? null} />
          {starting.state === 'busy' && (
            <WorkProgress
              name="Preparing the run"
              progress={starting.progress}
              cancelling={starting.cancelling}
              onCancel={() => void cancelStart()}
            />
          )}
          {starting.state === 'failed' && (
            <Problem title="The run could not start">{starting.problem}</Problem>
          )}
          {graph.state === 'failed' && (
            <Problem title="The graph could not be saved">{graph.problem}</Problem>
          )}
          <div className="new-run-actions">
            <Button
              size="md"
              fullWidth
              leftSection={<IconPlayerPlay size={18} stroke={1.75} />}
              disabled={!ready || starting.state === 'busy'}
              onClick={() => ready && void start({ encoder, teacher, imageSet: set.id })}
            >
              Start refining
            </Button>
            <Button
              variant="default"
              fullWidth
              leftSection={<IconDeviceFloppy size={16} stroke={1.75} />}
              disabled={encoder === null || teacher === null || wrong > 0}
              loading={graph.state === 'busy'}
              onClick={() => encoder && teacher && void saveGraph({ encoder, teacher })}
            >
              Save training graph
            </Button>
          </div>
          <p className="new-run-hint" role="status">
            {missing.length > 0
              ? `Still needed: ${missing.join(', ')}.`
              : wrong > 0
                ? `${wrong} ${wrong === 1 ? 'setting is' : 'settings are'} out of bounds.`
                : 'The training graph is one ONNX model with its backward pass. Any ONNX runtime can run it.'}
          </p>
        </Panel>
        {encoder !== null && teacher !== null && 'config' in read && (
          <MemoryPlan encoder={encoder} teacher={teacher} config={read.config} />
        )}
        <ConfusedPair />
      </aside>
    </div>
  );
}

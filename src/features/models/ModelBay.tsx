import { Button, Select } from '@mantine/core';
import { IconPackage } from '@tabler/icons-react';
import { DropTarget } from '../shared/DropTarget.tsx';
import { nameOfFiles } from '../shared/files.ts';
import { Panel } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { WorkProgress } from '../shared/WorkProgress.tsx';
import { EncoderCard, TeacherCard } from './ModelCards.tsx';
import { builtInModels, type ModelRole, useModels } from './store.ts';

const texts = {
  encoder: {
    title: 'Encoder',
    note: 'The CLIP or SigLIP vision tower whose eyesight is refined.',
    drop: 'Drop an encoder folder',
    expects: [
      ['onnx/vision_model.onnx', 'the vision tower'],
      ['onnx/text_model.onnx, tokenizer.json', 'the text side, needed for scoring'],
      ['config.json, preprocessor_config.json', 'as Hugging Face writes them'],
    ],
  },
  teacher: {
    title: 'Teacher',
    note: 'The latent diffusion model whose denoising error is the feedback. It stays frozen.',
    drop: 'Drop a diffusion model folder',
    expects: [
      ['unet/model.onnx', 'predicts the noise'],
      ['vae_encoder/model.onnx', 'turns images into latents'],
      ['text_encoder/, tokenizer/, scheduler/', 'as diffusers lays them out'],
    ],
  },
} as const;

/** One model's place: empty with a drop zone, loading, failed, or filled with its data sheet. */
export function ModelBay({ role }: { role: ModelRole }) {
  const { title, note, drop, expects } = texts[role];
  const work = useModels((state) => state.loading[role]);
  const models = useModels((state) => (role === 'encoder' ? state.encoders : state.teachers));
  const chosen = useModels((state) => state[role]);
  const { load, cancel, fail, dismiss, choose } = useModels.getState();
  const filled = models.some(({ id }) => id === chosen);
  const builtIn = { kind: 'built-in', id: builtInModels[role] } as const;

  return (
    <Panel title={title} note={note} className="model-bay">
      {models.length > 1 && (
        <Select
          label={`${title} in use`}
          data={models.map(({ id, name }) => ({ value: id, label: name }))}
          value={chosen}
          onChange={(id) => id && choose(role, id)}
          mb="sm"
        />
      )}
      {work.state === 'failed' && (
        <div className="model-bay-problem">
          <Problem
            title={`The ${role} could not be loaded`}
            actions={
              <Button size="xs" variant="default" onClick={() => dismiss(role)}>
                Dismiss
              </Button>
            }
          >
            {work.problem}
          </Problem>
        </div>
      )}
      {work.state === 'busy' ? (
        <div className="model-bay-loading">
          <WorkProgress
            name={`Loading the ${role}`}
            progress={work.progress}
            cancelling={work.cancelling}
            onCancel={() => void cancel(role)}
          />
        </div>
      ) : (
        <>
          {filled && (role === 'encoder' ? <EncoderCard id={chosen} /> : <TeacherCard id={chosen} />)}
          <DropTarget
            name={title}
            title={filled ? `Use another ${role}` : drop}
            compact={filled}
            onFiles={(files) => void load(role, { kind: 'files', name: nameOfFiles(files, title), files })}
            onProblem={(problem) => fail(role, problem)}
            actions={
              <Button
                size={filled ? 'xs' : 'sm'}
                variant={filled ? 'default' : 'filled'}
                leftSection={<IconPackage size={16} stroke={1.75} />}
                aria-label={`Use the built-in ${role}`}
                onClick={() => void load(role, builtIn)}
              >
                Use built-in
              </Button>
            }
          >
            {!filled && (
              <ul>
                {expects.map(([path, what]) => (
                  <li key={path}>
                    <code>{path}</code> {what}
                  </li>
                ))}
              </ul>
            )}
          </DropTarget>
        </>
      )}
    </Panel>
  );
}

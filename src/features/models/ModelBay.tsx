import { Button, NativeSelect } from '@mantine/core';
import { IconPackage } from '@tabler/icons-react';
import { DropTarget } from '../shared/DropTarget.tsx';
import { nameOfFiles } from '../shared/files.ts';
import { Panel } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { Spinner } from '../shared/Ring.tsx';
import { WorkProgress } from '../shared/WorkProgress.tsx';
import { HubDownload } from './HubDownload.tsx';
import { EncoderCard, TeacherCard } from './ModelCards.tsx';
import { builtInModels, type ModelKind, useModels } from './store.ts';

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
    note: 'The frozen latent diffusion model whose denoising error is the feedback.',
    drop: 'Drop a diffusion model folder',
    expects: [
      ['unet/model.onnx', 'predicts the noise'],
      ['vae_encoder/model.onnx', 'turns images into latents'],
      ['text_encoder/, tokenizer/, scheduler/', 'as diffusers lays them out'],
    ],
  },
} as const;

/** One model's place: empty with a drop zone, loading, failed, or filled with its data sheet. */
export function ModelBay({ kind }: { kind: ModelKind }) {
  const { title, note, drop, expects } = texts[kind];
  const work = useModels((state) => state.loading[kind]);
  const models = useModels((state) => (kind === 'encoder' ? state.encoders : state.teachers));
  const chosen = useModels((state) => state[kind]);
  const { load, cancel, fail, dismiss, choose } = useModels.getState();
  const restoring = useModels((state) => state.restoring);
  const filled = models.some(({ id }) => id === chosen);
  const builtIn = { kind: 'built-in', id: builtInModels[kind] } as const;

  return (
    <Panel title={title} note={note} className="model-bay">
      {models.length > 1 && (
        <NativeSelect
          className="model-bay-choice"
          label={`${title} in use`}
          data={models.map(({ id, name }) => ({ value: id, label: name }))}
          value={chosen ?? ''}
          onChange={(event) => choose(kind, event.currentTarget.value)}
        />
      )}
      {work.state === 'failed' && (
        <div className="model-bay-problem">
          <Problem
            title={`The ${kind} could not be loaded`}
            actions={
              <Button size="xs" variant="default" onClick={() => dismiss(kind)}>
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
            name={`Loading the ${kind}`}
            progress={work.progress}
            cancelling={work.cancelling}
            onCancel={() => void cancel(kind)}
          />
        </div>
      ) : (
        <>
          {filled && (kind === 'encoder' ? <EncoderCard id={chosen} /> : <TeacherCard id={chosen} />)}
          {restoring && !filled && (
            <p className="model-bay-restoring" role="status">
              <Spinner size={14} /> Looking for what earlier visits left
            </p>
          )}
          <DropTarget
            name={title}
            title={filled ? `Use another ${kind}` : drop}
            compact={filled}
            onFiles={(files) => void load(kind, { kind: 'files', name: nameOfFiles(files, title), files })}
            onProblem={(problem) => fail(kind, problem)}
            actions={
              <Button
                size={filled ? 'xs' : 'sm'}
                variant={filled ? 'default' : 'filled'}
                leftSection={<IconPackage size={16} stroke={1.75} />}
                aria-label={`Use the built-in ${kind}`}
                onClick={() => void load(kind, builtIn)}
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
          <HubDownload kind={kind} />
        </>
      )}
    </Panel>
  );
}

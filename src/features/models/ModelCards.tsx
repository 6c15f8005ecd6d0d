import type { ReactNode } from 'react';
import { formatBytes, formatCount, formatParameters, formatPlural } from '../shared/format.ts';
import { Problem } from '../shared/Problem.tsx';
import { type Spec, SpecList } from '../shared/SpecList.tsx';
import { useModels } from './store.ts';

export function EncoderCard({ id }: { id: string | null }) {
  const encoder = useModels((state) => state.encoders.find((each) => each.id === id));
  if (!encoder) return null;
  const side = Math.round(Math.sqrt(encoder.patches));
  return (
    <Card
      name={encoder.name}
      family={encoder.family}
      parameters={encoder.parameters}
      files={encoder.files}
      specs={[
        { name: 'Image', value: `${encoder.imageSize} × ${encoder.imageSize} px` },
        { name: 'Patch', value: `${encoder.patchSize} × ${encoder.patchSize} px` },
        {
          name: 'Tokens',
          value:
            side * side === encoder.patches
              ? `1 class + ${side} × ${side} patches`
              : `1 class + ${formatCount(encoder.patches)} patches`,
        },
        { name: 'Width', value: formatCount(encoder.width) },
        { name: 'Embedding', value: formatCount(encoder.projection) },
        { name: 'Size on disk', value: formatBytes(encoder.bytes) },
      ]}
    >
      {!encoder.hasText && (
        <Problem tone="caution" title="No text side">
          It can be refined but not scored: MMVP compares images with statements. Add{' '}
          <code>text_model.onnx</code> and <code>tokenizer.json</code> to the folder and drop it again.
        </Problem>
      )}
    </Card>
  );
}

export function TeacherCard({ id }: { id: string | null }) {
  const teacher = useModels((state) => state.teachers.find((each) => each.id === id));
  if (!teacher) return null;
  const { latent, context } = teacher;
  return (
    <Card
      name={teacher.name}
      family={teacher.family}
      parameters={teacher.parameters}
      files={teacher.files}
      specs={[
        { name: 'Image', value: `${teacher.imageSize} × ${teacher.imageSize} px` },
        { name: 'Latent', value: `${latent.channels} × ${latent.size} × ${latent.size}` },
        { name: 'Context', value: `${context.tokens} tokens × ${formatCount(context.width)}` },
        { name: 'Size on disk', value: formatBytes(teacher.bytes) },
      ]}
    />
  );
}

interface CardProps {
  name: string;
  family: string;
  parameters: number;
  specs: readonly Spec[];
  files: readonly { path: string; bytes: number }[];
  children?: ReactNode;
}

function Card({ name, family, parameters, specs, files, children }: CardProps) {
  return (
    <article className="model-card" aria-label={name}>
      <div className="model-card-head">
        <div>
          <h3>{name}</h3>
          <p>{family}</p>
        </div>
        <p className="model-card-size">
          <span>{formatParameters(parameters)}</span> weights
        </p>
      </div>
      <SpecList specs={specs} columns={2} />
      {children}
      <details className="model-card-files">
        <summary>{formatPlural(files.length, 'file')}</summary>
        <ul>
          {files.map(({ path, bytes }) => (
            <li key={path}>
              <code>{path}</code>
              <span>{formatBytes(bytes)}</span>
            </li>
          ))}
        </ul>
      </details>
    </article>
  );
}

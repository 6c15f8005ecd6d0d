import { IconCircleCheck, IconCircleDashed } from '@tabler/icons-react';
import { Problem } from '../../features/shared/Problem.tsx';
import { Spinner } from '../../features/shared/Ring.tsx';
import { type DemoStep, demoSteps, useDemo, useDemoWork } from './store.ts';

/** The demo's loading, thing by thing. */
export function DemoProgress() {
  return (
    <ol className="demo-steps" aria-label="Loading the demo">
      {demoSteps.map(({ key, name }) => (
        <Step key={key} step={key} name={name} />
      ))}
    </ol>
  );
}

function Step({ step, name }: { step: DemoStep; name: string }) {
  const { at, done, failed } = useDemo();
  const work = useDemoWork(step);
  const progress = work.state === 'busy' ? work.progress : null;
  const share = progress && progress.total > 0 ? Math.round((100 * progress.done) / progress.total) : null;
  const state = failed === step ? 'failed' : done.includes(step) ? 'done' : at === step ? 'busy' : 'waiting';
  return (
    <li className={`demo-step demo-step-${state}`}>
      {state === 'done' ? (
        <IconCircleCheck size={18} stroke={1.75} aria-hidden="true" />
      ) : state === 'busy' ? (
        <Spinner size={18} />
      ) : (
        <IconCircleDashed size={18} stroke={1.75} aria-hidden="true" />
      )}
      <span>{name}</span>
      {state === 'busy' && share !== null && <span className="demo-step-share">{share}%</span>}
      {state === 'done' && <span className="visually-hidden">ready</span>}
      {state === 'failed' && work.state === 'failed' && (
        <Problem title="This could not be loaded">{work.problem}</Problem>
      )}
    </li>
  );
}

import type { RefineConfig } from '../../method/config.ts';
import { formatCount, formatQuantity } from '../shared/format.ts';
import { SpecList } from '../shared/SpecList.tsx';

/** What the settings add up to. */
export function RunPlan({ config, images }: { config: RefineConfig | null; images: number | null }) {
  if (!config)
    return <p className="new-run-hint">Correct the marked settings to see what the run will do.</p>;
  const perStep = config.batchSize * config.accumulate;
  const seen = perStep * config.steps;
  const { steps, checkpointEvery } = config;
  const checkpoints = checkpointEvery > 0 ? Math.ceil(steps / checkpointEvery) : 1;
  return (
    <SpecList
      specs={[
        { name: 'Images a step', value: formatCount(perStep) },
        { name: 'Teacher passes a step', value: formatCount(perStep * config.drawsPerImage) },
        { name: 'Images in all', value: formatCount(seen) },
        {
          name: 'Times through the set',
          value: images ? formatQuantity(seen / images, 2) : '–',
        },
        { name: 'Checkpoints', value: formatCount(checkpoints) },
      ]}
    />
  );
}

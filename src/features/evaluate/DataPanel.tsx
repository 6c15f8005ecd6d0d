import { Button, NativeSelect } from '@mantine/core';
import { IconPackage } from '@tabler/icons-react';
import { useEffect } from 'react';
import type { EvaluationSetSummary, EvaluationTask } from '../../../workers/protocol.ts';
import { useImages } from '../images/store.ts';
import { DropTarget } from '../shared/DropTarget.tsx';
import { formatPlural } from '../shared/format.ts';
import { Panel } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { WorkProgress } from '../shared/WorkProgress.tsx';
import { useEvaluate } from './store.ts';

/** What to evaluate on: a benchmark of pairs, a set of classes, of captions, of masks. */
export function DataPanel() {
  return (
    <Panel title="Data" note="Each part is optional. What was embedded once is not embedded again.">
      <div className="evaluate-data">
        <BenchmarkChoice />
        <SetChoice
          task="classes"
          label="Classes"
          text="One folder of images for each class, or images with labels.csv (columns path,class)."
        />
        <SetChoice
          task="captions"
          label="Captions"
          text="Images with captions.csv (columns image,caption), captions.jsonl or COCO’s captions JSON."
        />
        <SetChoice
          task="masks"
          label="Masks"
          text="VOC’s JPEGImages and SegmentationClass, or ADE20K’s images, annotations and objectInfo150.txt."
        />
      </div>
    </Panel>
  );
}

function BenchmarkChoice() {
  const benchmarks = useImages((state) => state.benchmarks);
  const inUse = useImages((state) => state.benchmark);
  const chosen = useEvaluate((state) => state.plan.benchmark);
  const touched = useEvaluate((state) => state.benchmarkChosen);
  useEffect(() => {
    if (!touched && inUse) useEvaluate.getState().change({ benchmark: inUse });
  }, [touched, inUse]);
  const warnings = benchmarks.find(({ id }) => id === chosen)?.warnings ?? [];
  return (
    <div className="evaluate-part">
      <NativeSelect
        label="Pairs"
        value={chosen ?? ''}
        data={[
          { value: '', label: benchmarks.length === 0 ? 'None yet: add one in Images' : 'Leave out' },
          ...benchmarks.map(({ id, name, pairs, official }) => ({
            value: id,
            label: `${name} (${official ? 'MMVP-VLM' : 'MMVP-style'}, ${formatPlural(pairs, 'pair')})`,
          })),
        ]}
        onChange={(event) => useEvaluate.getState().chooseBenchmark(event.currentTarget.value || null)}
      />
      {warnings.length > 0 && (
        <Problem tone="caution" title="Read with warnings">
          <ul>
            {warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </Problem>
      )}
    </div>
  );
}

function SetChoice({ task, label, text }: { task: EvaluationTask; label: string; text: string }) {
  const sets = useEvaluate((state) => state.sets).filter((each) => each.task === task);
  const chosen = useEvaluate((state) => state.plan[task]);
  const work = useEvaluate((state) => state.adding[task]);
  const { add, addBuiltIn, failAdding, change, cancel } = useEvaluate.getState();
  const set = sets.find(({ id }) => id === chosen);
  return (
    <div className="evaluate-part">
      <NativeSelect
        label={label}
        value={chosen ?? ''}
        data={[
          { value: '', label: sets.length === 0 ? 'None yet' : 'Leave out' },
          ...sets.map((each) => ({ value: each.id, label: `${each.name} (${sizeOf(each)})` })),
        ]}
        onChange={(event) => change({ [task]: event.currentTarget.value || null })}
      />
      {work.state === 'failed' && (
        <Problem title={`The ${label.toLowerCase()} could not be added`}>{work.problem}</Problem>
      )}
      {set && set.skipped.length > 0 && (
        <Problem tone="caution" title={`${formatPlural(set.skipped.length, 'image')} left out`}>
          {set.skipped[0]!.path}: {set.skipped[0]!.reason}
        </Problem>
      )}
      {work.state === 'busy' ? (
        <WorkProgress
          name={`Adding ${label.toLowerCase()}`}
          progress={work.progress}
          cancelling={work.cancelling}
          onCancel={() => void cancel()}
        />
      ) : (
        <DropTarget
          name={label}
          title={sets.length > 0 ? 'Add another' : `Drop a folder with ${label.toLowerCase()}`}
          compact
          onFiles={(files) => void add(task, files)}
          onProblem={(problem) => failAdding(task, problem)}
          actions={
            task !== 'masks' && (
              <Button
                size="xs"
                variant="default"
                leftSection={<IconPackage size={16} stroke={1.75} />}
                aria-label={`Use the built-in ${label.toLowerCase()}`}
                onClick={() => void addBuiltIn(task)}
              >
                Use built-in
              </Button>
            )
          }
        >
          {sets.length === 0 && <p>{text}</p>}
        </DropTarget>
      )}
    </div>
  );
}

function sizeOf({ images, classes, captions, task }: EvaluationSetSummary): string {
  const what =
    task === 'captions'
      ? formatPlural(captions, 'caption')
      : formatPlural(classes.length, 'class', 'classes');
  return `${formatPlural(images, 'image')}, ${what}`;
}

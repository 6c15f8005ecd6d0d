import { Button } from '@mantine/core';
import { IconPackage } from '@tabler/icons-react';
import type { NamedBlob } from '../../../workers/protocol.ts';
import { DropTarget } from './DropTarget.tsx';
import { Problem } from './Problem.tsx';
import { WorkProgress } from './WorkProgress.tsx';
import type { Work } from './work.ts';

interface BenchmarkDropProps {
  work: Work;
  /** In a narrow place. */
  narrow: boolean;
  /** There is one already: this is for another. */
  filled: boolean;
  onFiles: (files: NamedBlob[]) => void;
  onBuiltIn: () => void;
  onProblem: (problem: string) => void;
}

/** Takes a benchmark: a dropped or chosen folder, or the built-in one. */
export function BenchmarkDrop({ work, narrow, filled, onFiles, onBuiltIn, onProblem }: BenchmarkDropProps) {
  if (work.state === 'busy') return <WorkProgress name="Reading the benchmark" progress={work.progress} />;
  return (
    <div className="stack">
      {work.state === 'failed' && <Problem title="The benchmark could not be read">{work.problem}</Problem>}
      <DropTarget
        name="Benchmark"
        title={filled ? 'Use another benchmark' : 'Drop a benchmark folder'}
        compact={narrow || filled}
        onFiles={onFiles}
        onProblem={onProblem}
        actions={
          <Button
            size={narrow || filled ? 'xs' : 'sm'}
            variant="default"
            leftSection={<IconPackage size={16} stroke={1.75} />}
            aria-label="Use the built-in benchmark"
            onClick={onBuiltIn}
          >
            Use built-in
          </Button>
        }
      >
        {!filled && (
          <p>
            <code>Questions.csv</code> beside a folder <code>MLLM_VLM Images</code> with one folder for each
            pattern.
          </p>
        )}
      </DropTarget>
    </div>
  );
}

import { useCheckpoints } from '../checkpoints/store.ts';
import { useModels } from '../models/store.ts';
import { EmptyState } from '../shared/EmptyState.tsx';
import { LinkButton } from '../shared/LinkButton.tsx';
import { Panel, RoomHead } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { WorkProgress } from '../shared/WorkProgress.tsx';
import { BlindPairsPanel } from './BlindPairsPanel.tsx';
import { DataPanel } from './DataPanel.tsx';
import { PatchPanel } from './PatchPanel.tsx';
import { Results } from './Results.tsx';
import { SuitePanel } from './SuitePanel.tsx';
import { useEvaluate } from './store.ts';
import './evaluate.css';

/** Any models on any data: zero-shot classes and masks, retrieval, k-NN, a linear probe and MMVP in one suite. */
export function EvaluateRoom() {
  const { work, at, shown } = useEvaluate();
  const anyModels = useModels((state) => state.encoders.length > 0);
  const anyCheckpoints = useCheckpoints((state) => state.checkpoints.length > 0);
  return (
    <>
      <RoomHead
        title="Evaluate"
        note="Does an encoder see better, and what did that cost? Every model on the same data, image by image, with the chance that a difference is luck."
      />
      {!anyModels && !anyCheckpoints ? (
        <NothingToEvaluate />
      ) : (
        <div className="evaluate">
          <DataPanel />
          <SuitePanel />
          {work.state === 'failed' && (
            <Problem title="The evaluation could not be made">{work.problem}</Problem>
          )}
          {work.state === 'busy' && (
            <Panel title="Evaluating">
              <WorkProgress
                name={at ? `Evaluating ${at.name} (${at.number} of ${at.of})` : 'Evaluating'}
                progress={work.progress}
                cancelling={work.cancelling}
                onCancel={() => void useEvaluate.getState().cancel()}
              />
            </Panel>
          )}
          {shown && <Results shown={shown} />}
          <BlindPairsPanel />
          <PatchPanel />
        </div>
      )}
    </>
  );
}

function NothingToEvaluate() {
  return (
    <Panel title="Nothing to evaluate yet">
      <EmptyState
        title="An evaluation needs a model"
        actions={
          <>
            <LinkButton href="/">Try the demo</LinkButton>
            <LinkButton href="/models" variant="default">
              Add an encoder
            </LinkButton>
          </>
        }
      >
        Load an encoder: as it came, refined here, or trained elsewhere. This page scores it on your own
        images and on benchmarks, and writes reports that one can publish.
      </EmptyState>
    </Panel>
  );
}

import { RoomHead } from '../shared/Panel.tsx';
import { BenchmarkPanel } from './BenchmarkPanel.tsx';
import { ImageSetPanel } from './ImageSetPanel.tsx';
import { KeptSets } from './KeptSets.tsx';
import './images.css';

/** The images to refine on, which need no captions, and the benchmark to score with. */
export function ImagesRoom() {
  return (
    <>
      <RoomHead
        title="Images"
        note="Any pictures will do: the feedback needs no captions and no labels. They are copied into this browser’s storage so that a run survives a reload."
      />
      <div className="images-grid">
        <ImageSetPanel />
        <div className="images-side">
          <KeptSets />
          <BenchmarkPanel />
        </div>
      </div>
    </>
  );
}

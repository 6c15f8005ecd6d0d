import { type KeyboardEvent, useEffect, useRef } from 'react';
import type { PatchView } from '../../../workers/protocol.ts';

interface PatchMapProps {
  name: string;
  view: PatchView;
  /** The patch that the others are compared with; null for a phrase. */
  chosen: number | null;
  /** Cosine of each patch. */
  similarity: Float32Array | null;
  onChoose: (patch: number) => void;
}

const steps: Record<string, readonly [number, number]> = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};

/** A picture under the likeness of its patches: clear where it is like what was asked for, dark where it is not. */
export function PatchMap({ name, view, chosen, similarity, onChoose }: PatchMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { grid, picture } = view;

  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const image = new ImageData(picture.data.slice(), picture.size, picture.size);
    if (similarity) shade(image, grid, similarity);
    context.putImageData(image, 0, 0);
  }, [picture, grid, similarity]);

  function move(event: KeyboardEvent) {
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const [row, column] = chosen === null ? [0, 0] : [Math.floor(chosen / grid), chosen % grid];
    const within = (value: number) => Math.min(grid - 1, Math.max(0, value));
    onChoose(within(row + step[0]) * grid + within(column + step[1]));
  }

  const said = similarity ? summary(similarity, grid, chosen) : '';
  return (
    <figure className="patch-map">
      <button
        type="button"
        aria-label={`${name}: ${said} Arrow keys choose another patch.`}
        onKeyDown={move}
        onClick={(event) => {
          // The keyboard's click has no place.
          if (event.detail === 0) return;
          const box = event.currentTarget.getBoundingClientRect();
          const at = (value: number, size: number) =>
            Math.min(grid - 1, Math.max(0, Math.floor((value / size) * grid)));
          onChoose(at(event.clientY - box.top, box.height) * grid + at(event.clientX - box.left, box.width));
        }}
      >
        <canvas ref={canvas} width={picture.size} height={picture.size} />
        {chosen !== null && (
          <span
            className="patch-chosen"
            style={{
              left: `${(100 * (chosen % grid)) / grid}%`,
              top: `${(100 * Math.floor(chosen / grid)) / grid}%`,
              width: `${100 / grid}%`,
              height: `${100 / grid}%`,
            }}
          />
        )}
      </button>
      <figcaption>
        <strong>{name}</strong> {said}
      </figcaption>
    </figure>
  );
}

/** Darkens each patch by how far it is from the most alike, over the range of this picture. */
function shade(image: ImageData, grid: number, similarity: Float32Array): void {
  const { width } = image;
  const [low, high] = [Math.min(...similarity), Math.max(...similarity)];
  const range = high - low || 1;
  for (let y = 0; y < width; y++) {
    const row = Math.floor((y * grid) / width) * grid;
    for (let x = 0; x < width; x++) {
      const like = (similarity[row + Math.floor((x * grid) / width)]! - low) / range;
      const keep = 0.12 + 0.88 * like ** 2;
      for (let c = 0; c < 3; c++) image.data[4 * (y * width + x) + c]! *= keep;
    }
  }
}

function summary(similarity: Float32Array, grid: number, chosen: number | null): string {
  const place = (patch: number) => `row ${Math.floor(patch / grid) + 1}, column ${(patch % grid) + 1}`;
  const others = [...similarity.keys()].filter((patch) => patch !== chosen);
  const best = others.reduce((a, b) => (similarity[b]! > similarity[a]! ? b : a));
  const what = chosen === null ? 'Most like the phrase' : `Patch at ${place(chosen)}; most like it`;
  return `${what}: ${place(best)} (${similarity[best]!.toFixed(2)}). From ${Math.min(...similarity).toFixed(2)} to ${Math.max(...similarity).toFixed(2)}.`;
}

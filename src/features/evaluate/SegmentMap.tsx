import { useEffect, useMemo, useRef } from 'react';
import type { PatchView } from '../../../workers/protocol.ts';
import { segment } from '../../evaluation/segmentation.ts';

interface SegmentMapProps {
  name: string;
  view: PatchView;
  labels: readonly string[];
  /** [labels, width], rows of length 1. */
  heads: Float32Array;
}

/** A picture with every pixel in the colour of the label nearest to it, and how much each label takes. */
export function SegmentMap({ name, view, labels, heads }: SegmentMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { grid, picture, tokens, width } = view;
  const { size } = picture;
  const classes = useMemo(
    () => segment(tokens, grid, { rows: labels.length, width, values: heads }, { width: size, height: size }),
    [tokens, grid, labels, width, heads, size],
  );

  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    const image = new ImageData(picture.data.slice(), size, size);
    for (const [pixel, label] of classes.entries()) {
      const colour = colourOf(label, labels.length);
      for (let c = 0; c < 3; c++)
        image.data[4 * pixel + c] = 0.45 * image.data[4 * pixel + c]! + 0.55 * colour[c]!;
    }
    context.putImageData(image, 0, 0);
  }, [picture, size, classes, labels.length]);

  const counts = labels.map(() => 0);
  for (const label of classes) counts[label]!++;
  const shares = labels
    .map((label, i) => ({ label, i, share: (100 * counts[i]!) / classes.length }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share);
  const said = shares.map(({ label, share }) => `${label} ${share.toFixed(0)}%`).join(', ');
  return (
    <figure className="patch-map">
      <canvas ref={canvas} width={size} height={size} role="img" aria-label={`${name}: ${said}`} />
      <figcaption>
        <strong>{name}</strong>
        <ul className="segment-legend">
          {shares.map(({ label, i, share }) => (
            <li key={label}>
              <svg viewBox="0 0 10 10" aria-hidden="true">
                <rect width={10} height={10} fill={`rgb(${colourOf(i, labels.length).join(' ')})`} />
              </svg>
              {label} {share.toFixed(0)}%
            </li>
          ))}
        </ul>
      </figcaption>
    </figure>
  );
}

/** Hues evenly apart, every other one lighter. */
function colourOf(label: number, of: number): [number, number, number] {
  const hue = (label * 6) / of;
  const light = label % 2 === 0 ? 0.5 : 0.65;
  const channel = (shift: number) => {
    const at = (hue + shift) % 6;
    const ramp = Math.max(0, Math.min(1, Math.abs(at - 3) - 1));
    return Math.round(255 * (light + (ramp - 0.5) * 0.7 * (1 - Math.abs(2 * light - 1))));
  };
  return [channel(0), channel(4), channel(2)];
}

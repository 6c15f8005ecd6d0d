import { useEffect, useRef, useState } from 'react';
import type { ZeroShotScore } from '../../evaluation/zero-shot.ts';
import { formatPlural } from '../shared/format.ts';

interface Cell {
  row: number;
  column: number;
}

/** Shares of each true class by predicted class, as a picture: a thousand classes are a million cells. */
export function ConfusionMatrix({ score }: { score: ZeroShotScore }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [cell, setCell] = useState<Cell | null>(null);
  const { classes, confusion } = score;
  const { length } = classes;

  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    context.putImageData(paint(confusion), 0, 0);
  }, [confusion]);

  const worst = mostConfused(score);
  return (
    <figure className="confusion">
      <canvas
        ref={canvas}
        width={length}
        height={length}
        role="img"
        aria-label={`Confusion matrix of ${formatPlural(length, 'class', 'classes')}. ${worst}`}
        onPointerLeave={() => setCell(null)}
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const at = (value: number, size: number) =>
            Math.min(length - 1, Math.max(0, Math.floor((value / size) * length)));
          setCell({
            row: at(event.clientY - box.top, box.height),
            column: at(event.clientX - box.left, box.width),
          });
        }}
      />
      <figcaption>
        {cell
          ? `${classes[cell.row]!.name} taken for ${classes[cell.column]!.name}: ${confusion[cell.row]![cell.column]} of ${classes[cell.row]!.images}`
          : worst}
      </figcaption>
    </figure>
  );
}

/** The diagonal in the accent's green, confusions in red, both by their share of the true class. */
function paint(confusion: readonly (readonly number[])[]): ImageData {
  const size = confusion.length;
  const image = new ImageData(size, size);
  for (const [row, counts] of confusion.entries()) {
    const total = counts.reduce((a, b) => a + b, 0);
    for (const [column, count] of counts.entries()) {
      const [red, green, blue] = row === column ? [10, 125, 122] : [194, 64, 28];
      const share = total === 0 ? 0 : count / total;
      // A single confusion among many must still be seen.
      const alpha = count === 0 ? 0 : 40 + 215 * share;
      image.data.set([red, green, blue, alpha], 4 * (row * size + column));
    }
  }
  return image;
}

function mostConfused({ classes, confusion }: ZeroShotScore): string {
  let best = { row: 0, column: 0, count: 0 };
  for (const [row, counts] of confusion.entries()) {
    for (const [column, count] of counts.entries()) {
      if (row !== column && count > best.count) best = { row, column, count };
    }
  }
  if (best.count === 0) return 'No image was taken for another class.';
  return `Most often confused: ${classes[best.row]!.name}, taken for ${classes[best.column]!.name} (${best.count} of ${classes[best.row]!.images}).`;
}

import type { ReactNode } from 'react';
import { ringPath } from '../features/shared/Ring.tsx';

/** The drawings beside the four steps of the method. All are decoration: the text says the same. */

function Drawing({ children }: { children: ReactNode }) {
  return (
    <svg className="how-figure" viewBox="0 0 200 84" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

interface MarkProps {
  x: number;
  y: number;
  size: number;
  turn?: number;
  className: string;
}

function Mark({ x, y, size, turn = 0, className }: MarkProps) {
  return (
    <path
      className={className}
      d={ringPath}
      transform={`translate(${x} ${y}) scale(${size / 100}) rotate(${turn} 50 50)`}
    />
  );
}

const places = (count: number) => Array.from({ length: count }, (_, index) => index);

/** An image cut into patches becomes a row of tokens, the first of them the class token. */
export function LookFigure() {
  return (
    <Drawing>
      <rect className="how-frame" x={1} y={6} width={72} height={72} rx={3} />
      <Mark x={15} y={20} size={44} turn={180} className="how-ink" />
      <path className="how-cut" d="M19 6v72M37 6v72M55 6v72M1 24h72M1 42h72M1 60h72" />
      <path className="how-arrow" d="M82 42h20m-5-5 5 5-5 5" />
      {places(15).map((index) => (
        <rect
          key={index}
          className={index === 0 ? 'how-class' : 'how-token'}
          x={114 + (index % 5) * 17}
          y={18 + Math.floor(index / 5) * 17}
          width={13}
          height={13}
          rx={2}
        />
      ))}
    </Drawing>
  );
}

/** Grains of noise: places that look random and never change. */
function grains(count: number): { x: number; y: number }[] {
  return places(count).map((index) => ({
    x: 4 + ((index * 37.7) % 50),
    y: 4 + ((index * index * 7.3 + index * 13.1) % 50),
  }));
}

/** Noise gives way to the picture. */
export function ReconstructFigure() {
  return (
    <Drawing>
      {[54, 24, 7].map((count, stage) => (
        <g key={count} transform={`translate(${stage * 70 + 1} 13)`}>
          <rect className="how-frame" width={58} height={58} rx={3} />
          <g opacity={0.15 + stage * 0.4}>
            <Mark x={9} y={9} size={40} turn={180} className="how-ink" />
          </g>
          {grains(count).map(({ x, y }) => (
            <circle key={`${x} ${y}`} className="how-grain" cx={x} cy={y} r={1.3} />
          ))}
        </g>
      ))}
    </Drawing>
  );
}

/** The teacher's guess beside the truth, and the way of the gradient back to the encoder. */
export function ErrorFigure() {
  return (
    <Drawing>
      <rect className="how-token" x={4} y={30} width={13} height={13} rx={2} />
      <rect className="how-token" x={21} y={30} width={13} height={13} rx={2} />
      <rect className="how-token" x={4} y={47} width={13} height={13} rx={2} />
      <rect className="how-token" x={21} y={47} width={13} height={13} rx={2} />
      <path className="how-gradient" d="M122 45H50m7-6-7 6 7 6" />
      <Mark x={132} y={11} size={62} turn={180} className="how-ghost" />
      <Mark x={132} y={11} size={62} turn={235} className="how-miss" />
    </Drawing>
  );
}

/** Bars before and after, against chance. */
export function MeasureFigure() {
  return (
    <Drawing>
      {[
        [16, 40],
        [26, 34],
        [12, 30],
        [38, 58],
        [22, 20],
      ].map(([before = 0, after = 0], index) => (
        <g key={`${before} ${after}`} transform={`translate(${index * 40 + 6} 0)`}>
          <rect className="how-before" y={76 - before} width={11} height={before} />
          <rect className="how-after" x={13} y={76 - after} width={11} height={after} />
        </g>
      ))}
      <path className="how-axis" d="M0 76.5h200" />
      <path className="how-chance" d="M0 54h200" />
    </Drawing>
  );
}

import './ring.css';

interface RingProps {
  /** Edge in pixels. */
  size: number;
  /** Where the gap points, in degrees clockwise from the right. */
  turn?: number;
  className?: string;
}

/**
 * A Landolt ring, the standard optotype of acuity tests (ISO 8596): the stroke and the gap are each a fifth of the
 * diameter. Acuity's mark, its illustrations and its spinner are all made of it.
 */
export function Ring({ size, turn = 0, className }: RingProps) {
  return (
    <svg
      className={className ? `ring ${className}` : 'ring'}
      width={size}
      height={size}
      viewBox="0 0 100 100"
      aria-hidden="true"
      focusable="false"
    >
      <path d={ringPath} transform={`rotate(${turn} 50 50)`} fill="currentColor" />
    </svg>
  );
}

/** Outer radius 50, inner radius 30, a gap of 20 open to the right. */
export const ringPath = 'M 98.99 40 A 50 50 0 1 0 98.99 60 L 78.28 60 A 30 30 0 1 1 78.28 40 Z';

/** Says that work is going on; stands still for those who asked for less motion. */
export function Spinner({ size = 16 }: { size?: number }) {
  return <Ring size={size} className="ring-spinner" />;
}

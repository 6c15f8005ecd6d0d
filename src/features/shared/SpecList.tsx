import type { ReactNode } from 'react';
import './spec-list.css';

export interface Spec {
  name: string;
  value: ReactNode;
}

/** Names and values in two columns, as on an instrument's data sheet. */
export function SpecList({ specs, columns = 1 }: { specs: readonly Spec[]; columns?: 1 | 2 }) {
  return (
    <dl className={`spec-list spec-list-${columns}`}>
      {specs.map(({ name, value }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface ReadingProps {
  name: string;
  value: ReactNode;
  /** A unit or a comparison, set smaller. */
  note?: ReactNode;
}

/** One figure to read from afar. */
export function Reading({ name, value, note }: ReadingProps) {
  return (
    <div className="reading">
      <dt>{name}</dt>
      <dd>
        <span className="reading-value">{value}</span>
        {note !== undefined && <span className="reading-note">{note}</span>}
      </dd>
    </div>
  );
}

/** A row of {@link Reading}s. */
export function Readings({ children }: { children: ReactNode }) {
  return <dl className="readings">{children}</dl>;
}

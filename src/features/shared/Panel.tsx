import { type ReactNode, useId } from 'react';
import './panel.css';

interface PanelProps {
  title: string;
  /** A sentence under the title. */
  note?: ReactNode;
  /** Controls or figures at the right of the title. */
  aside?: ReactNode;
  children: ReactNode;
  className?: string;
  id?: string;
}

/** A titled region of a room. */
export function Panel({ title, note, aside, children, className, id }: PanelProps) {
  const heading = useId();
  return (
    <section id={id} className={className ? `panel ${className}` : 'panel'} aria-labelledby={heading}>
      <header className="panel-head">
        <div className="panel-title">
          <h2 id={heading}>{title}</h2>
          {note !== undefined && <p>{note}</p>}
        </div>
        {aside !== undefined && <div className="panel-aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

/** The head of a room: its name, what one does there, and the main action. */
export function RoomHead({ title, note, children }: { title: string; note: string; children?: ReactNode }) {
  return (
    <header className="room-head">
      <div>
        <h1 tabIndex={-1}>{title}</h1>
        <p>{note}</p>
      </div>
      {children !== undefined && <div className="room-actions">{children}</div>}
    </header>
  );
}

import type { ReactNode } from 'react';
import { Ring } from './Ring.tsx';
import './empty-state.css';

interface EmptyStateProps {
  title: string;
  children: ReactNode;
  /** What the person can do next. */
  actions?: ReactNode;
}

/** Nothing here yet: says what belongs here and what to do next. */
export function EmptyState({ title, children, actions }: EmptyStateProps) {
  return (
    <div className="empty-state">
      <div className="empty-state-chart">
        <Ring size={44} turn={0} />
        <Ring size={30} turn={90} />
        <Ring size={20} turn={225} />
        <Ring size={13} turn={180} />
        <Ring size={8} turn={315} />
      </div>
      <h3>{title}</h3>
      <div className="empty-state-text">{children}</div>
      {actions !== undefined && <div className="empty-state-actions">{actions}</div>}
    </div>
  );
}

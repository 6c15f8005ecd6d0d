import { IconAlertTriangle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import './problem.css';

interface ProblemProps {
  /** What failed, such as "The encoder could not be loaded". */
  title: string;
  /** The message, which names the file or step and the fix. */
  children: ReactNode;
  actions?: ReactNode;
  /** `caution` for something that still works in part. */
  tone?: 'problem' | 'caution';
}

/** Something failed, or works only in part: what, why, and what to do. */
export function Problem({ title, children, actions, tone = 'problem' }: ProblemProps) {
  return (
    <div className={`problem problem-${tone}`} role={tone === 'problem' ? 'alert' : 'note'}>
      <IconAlertTriangle size={18} stroke={1.75} aria-hidden="true" />
      <div className="problem-body">
        <strong>{title}</strong>
        <div className="problem-text">{children}</div>
        {actions !== undefined && <div className="problem-actions">{actions}</div>}
      </div>
    </div>
  );
}

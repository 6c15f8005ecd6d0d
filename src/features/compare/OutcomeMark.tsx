import { IconArrowDownRight, IconArrowUpRight, IconCheck, IconX } from '@tabler/icons-react';
import { type Outcome, outcomeLabels } from './pairs.ts';

const icons = { fixed: IconArrowUpRight, broken: IconArrowDownRight, wrong: IconX, right: IconCheck };

/** An outcome by colour, sign and word. */
export function OutcomeMark({ outcome }: { outcome: Outcome }) {
  const Icon = icons[outcome];
  return (
    <span className={`outcome outcome-${outcome}`}>
      <Icon size={13} stroke={2.25} aria-hidden="true" />
      {outcomeLabels[outcome]}
    </span>
  );
}

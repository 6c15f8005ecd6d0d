import { Table } from '@mantine/core';
import type { ReactNode } from 'react';

/** A table that scrolls where it is wider than its place, by keyboard too. */
export function WideTable({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section className="wide-table" aria-label={`${label}, scrolls`} tabIndex={0}>
      <Table aria-label={label}>{children}</Table>
    </section>
  );
}

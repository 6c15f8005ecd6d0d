import { Button } from '@mantine/core';
import { Component, type ReactNode } from 'react';
import { Problem } from '../features/shared/Problem.tsx';
import { problemOf } from '../features/shared/work.ts';

interface RoomBoundaryProps {
  children: ReactNode;
}

/** Keeps a fault in one room from taking the page, and a run under way, with it. */
export class RoomBoundary extends Component<RoomBoundaryProps, { problem: string | null }> {
  override state: { problem: string | null } = { problem: null };

  static getDerivedStateFromError(error: unknown) {
    return { problem: problemOf(error) };
  }

  override render() {
    const { problem } = this.state;
    if (problem === null) return this.props.children;
    return (
      <Problem
        title="This room could not be shown"
        actions={
          <Button size="xs" variant="default" onClick={() => this.setState({ problem: null })}>
            Show it again
          </Button>
        }
      >
        {problem} Runs go on meanwhile; the other rooms still work.
      </Problem>
    );
  }
}

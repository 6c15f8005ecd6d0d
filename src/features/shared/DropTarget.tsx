import { Button } from '@mantine/core';
import { IconFiles, IconFolderOpen } from '@tabler/icons-react';
import { type DragEvent, type ReactNode, useRef, useState } from 'react';
import type { NamedBlob } from '../../../workers/protocol.ts';
import { filesFromDrop, filesFromInput } from '../../data/sources.ts';
import { announce } from './announce.ts';
import { formatPlural } from './format.ts';
import { problemOf } from './work.ts';
import './drop-target.css';

interface DropTargetProps {
  /** Accessible name, such as "Encoder folder"; the buttons are named after it. */
  name: string;
  /** What to drop here. */
  title: string;
  /** What the folder should hold. */
  children?: ReactNode;
  /** More ways to fill it, beside the pickers. */
  actions?: ReactNode;
  /** Offers single files as well as a folder. */
  withFiles?: boolean;
  /** Takes the place of the browser's plain dialog; undefined when the person closed it. */
  pickFolder?: (() => Promise<NamedBlob[] | undefined>) | undefined;
  onFiles: (files: NamedBlob[]) => void;
  onProblem: (problem: string) => void;
  compact?: boolean;
  disabled?: boolean;
}

/** Takes a dropped folder (or files), or one chosen in the system's dialog. */
export function DropTarget(props: DropTargetProps) {
  const { name, title, children, actions, withFiles = false, compact = false, disabled = false } = props;
  const { pickFolder } = props;
  const [over, setOver] = useState(false);
  /** Files found so far while a dropped folder is walked. */
  const [found, setFound] = useState<number | null>(null);
  const depth = useRef(0);
  const folder = useRef<HTMLInputElement>(null);
  const files = useRef<HTMLInputElement>(null);

  async function give(read: () => Promise<NamedBlob[] | undefined> | NamedBlob[]) {
    try {
      const files = await read();
      if (!files) return;
      if (files.length === 0) throw new Error('Nothing was found in there. Drop a folder that holds files.');
      props.onFiles(files);
    } catch (error) {
      props.onProblem(problemOf(error));
    }
    setFound(null);
  }

  function enter(event: DragEvent) {
    if (disabled || !event.dataTransfer.types.includes('Files')) return;
    event.preventDefault();
    depth.current++;
    if (!over) announce(`Release to add: ${name}`);
    setOver(true);
  }

  function leave() {
    depth.current = Math.max(0, depth.current - 1);
    if (depth.current === 0) setOver(false);
  }

  function drop(event: DragEvent) {
    if (disabled) return;
    event.preventDefault();
    depth.current = 0;
    setOver(false);
    // The entries must be taken out of the transfer before the handler returns.
    const { dataTransfer } = event;
    void give(() => filesFromDrop(dataTransfer, { onFound: setFound }));
  }

  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for form controls, this is a place to drop files
    <div
      role="group"
      aria-label={`${name} drop zone`}
      className={`drop-target${over ? ' drop-target-over' : ''}${compact ? ' drop-target-compact' : ''}`}
      onDragEnter={enter}
      onDragOver={(event) => {
        if (disabled) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = 'copy';
      }}
      onDragLeave={leave}
      onDrop={drop}
    >
      <p className="drop-target-title">
        {over
          ? 'Release to add it'
          : found !== null
            ? `Reading the folder: ${formatPlural(found, 'file')}`
            : title}
      </p>
      {children !== undefined && <div className="drop-target-text">{children}</div>}
      <div className="drop-target-actions">
        {actions}
        <Button
          variant="default"
          size={compact ? 'xs' : 'sm'}
          leftSection={<IconFolderOpen size={16} stroke={1.75} />}
          aria-label={`Choose folder: ${name}`}
          disabled={disabled}
          onClick={() => (pickFolder ? void give(pickFolder) : folder.current?.click())}
        >
          Choose folder
        </Button>
        {withFiles && (
          <Button
            variant="default"
            size={compact ? 'xs' : 'sm'}
            leftSection={<IconFiles size={16} stroke={1.75} />}
            aria-label={`Choose files: ${name}`}
            disabled={disabled}
            onClick={() => files.current?.click()}
          >
            Choose files
          </Button>
        )}
      </div>
      <input
        ref={(element) => {
          folder.current = element;
          element?.setAttribute('webkitdirectory', '');
        }}
        type="file"
        hidden
        multiple
        aria-label={`${name} (folder)`}
        onChange={(event) => {
          const list = event.currentTarget.files;
          if (list) void give(() => filesFromInput(list));
          event.currentTarget.value = '';
        }}
      />
      <input
        ref={files}
        type="file"
        hidden
        multiple
        aria-label={`${name} (files)`}
        onChange={(event) => {
          const list = event.currentTarget.files;
          if (list) void give(() => filesFromInput(list));
          event.currentTarget.value = '';
        }}
      />
    </div>
  );
}

import { Button, Modal } from '@mantine/core';
import type { ReactNode } from 'react';

interface ConfirmDeleteProps {
  opened: boolean;
  title: string;
  children: ReactNode;
  onClose: () => void;
  onConfirm: () => void;
}

/** Asks before something goes for good. */
export function ConfirmDelete({ opened, title, children, onClose, onConfirm }: ConfirmDeleteProps) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={title}
      size="sm"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <p className="confirm-text">{children}</p>
      <div className="confirm-actions">
        <Button variant="default" onClick={onClose} data-autofocus>
          Keep
        </Button>
        <Button
          color="red"
          onClick={() => {
            onClose();
            onConfirm();
          }}
        >
          Delete
        </Button>
      </div>
    </Modal>
  );
}

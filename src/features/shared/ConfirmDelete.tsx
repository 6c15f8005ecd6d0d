import { Button } from '@mantine/core';
import { type ReactNode, useEffect, useId, useRef } from 'react';
import './confirm-delete.css';

interface ConfirmDeleteProps {
  opened: boolean;
  title: string;
  children: ReactNode;
  onClose: () => void;
  onConfirm: () => void;
}

/** Asks before something goes for good. The browser's own dialog keeps the focus in and gives it back. */
export function ConfirmDelete({ opened, title, children, onClose, onConfirm }: ConfirmDeleteProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();

  useEffect(() => {
    if (opened) dialog.current?.showModal();
    else dialog.current?.close();
  }, [opened]);

  return (
    <dialog ref={dialog} className="confirm" aria-labelledby={heading} onClose={onClose}>
      {opened && (
        <>
          <h2 id={heading}>{title}</h2>
          <p>{children}</p>
          <div className="confirm-actions">
            <Button variant="default" onClick={onClose}>
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
        </>
      )}
    </dialog>
  );
}

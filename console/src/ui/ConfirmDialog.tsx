import type { ReactNode } from 'react';
import { label } from '../strings';
import { Button } from './Button';
import { Dialog } from './Dialog';

interface Props {
  title: string;
  text: ReactNode;
  confirm: string;
  look?: 'danger' | 'primary';
  busy?: boolean;
  onConfirm: () => void;
  onClose: () => void;
  children?: ReactNode;
}

/** Asks before something is destroyed. Cancel comes first in the DOM, so it has the focus. */
export function ConfirmDialog({ title, text, confirm, look = 'danger', busy, onConfirm, onClose, children }: Props) {
  return (
    <Dialog title={title} text={text} onClose={busy ? () => {} : onClose}>
      {children}
      <div className="kv-actions kv-end">
        <Button onClick={onClose} disabled={busy}>
          {label.cancel}
        </Button>
        <Button look={look} busy={busy} onClick={onConfirm}>
          {confirm}
        </Button>
      </div>
    </Dialog>
  );
}

import { type ReactNode, useId, useLayoutEffect, useRef } from 'react';

interface Props {
  title: string;
  /** The consequence, read out with the title. */
  text?: ReactNode;
  onClose: () => void;
  children: ReactNode;
}

/** The native modal: it traps the focus, closes on Esc, and gives the focus back to the button that opened it. */
export function Dialog({ title, text, onClose, children }: Props) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    // Removing an open dialog would drop the focus. A layout effect is undone before the removal, so closing still
    // gives the focus back, and what the same render focuses comes after it.
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="kv-dialog"
      part="dialog"
      aria-labelledby={`${id}t`}
      aria-describedby={text ? `${id}d` : undefined}
      onCancel={event => {
        event.preventDefault();
        onClose();
      }}
    >
      <h2 id={`${id}t`}>{title}</h2>
      {text && <div id={`${id}d`}>{text}</div>}
      {children}
    </dialog>
  );
}

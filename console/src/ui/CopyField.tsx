import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { useShared } from '../context';
import { common } from '../strings';
import { Button } from './Button';

/** Copies, and says so only when it worked; otherwise has the text shown whole, selects it and names the keys. */
export function useCopy(text: string, shown: string, select: () => void, onManual?: () => void) {
  const { announce } = useShared();
  const [state, setState] = useState<'' | 'copied' | 'failed'>('');
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const wanted = useRef(false);
  useEffect(() => {
    // A selection made before the text is unmasked would be lost with it.
    if (!wanted.current || shown !== text) return;
    wanted.current = false;
    select();
  });
  const copy = async (): Promise<boolean> => {
    clearTimeout(timer.current);
    try {
      // Without TLS there is no clipboard at all, with a policy it refuses.
      await navigator.clipboard.writeText(text);
    } catch {
      setState('failed');
      wanted.current = true;
      onManual?.();
      announce(manual());
      return false;
    }
    setState('copied');
    announce(common.copied);
    timer.current = setTimeout(() => setState(''), 2000);
    return true;
  };
  return { state, copy };
}

export const manual = () => common.copyFailed(/Mac|iP/.test(navigator.platform));

interface Props {
  title: string;
  /** What is copied. */
  value: string;
  /** What is seen, where that is less. */
  shown?: string;
  copyLabel?: string;
  look?: 'primary';
  autoFocus?: boolean;
  onCopied?: () => void;
  /** Called when copying by hand needs the whole text in sight. */
  onManual?: () => void;
  /** Stands beside the copy button. */
  aside?: ReactNode;
  /** Stands below the value. */
  children?: ReactNode;
}

export function CopyField({ title, value, shown = value, copyLabel = common.copy, look, ...rest }: Props) {
  const id = useId();
  const field = useRef<HTMLTextAreaElement>(null);
  const select = () => {
    field.current?.focus();
    field.current?.select();
  };
  const { state, copy } = useCopy(value, shown, select, rest.onManual);
  const press = async () => {
    if (await copy()) rest.onCopied?.();
  };
  return (
    <div className="kv-field">
      <label htmlFor={id}>{title}</label>
      <div className="kv-row">
        <textarea id={id} ref={field} className="kv-value" rows={1} readOnly spellCheck={false} value={shown} />
        {rest.aside}
        <Button
          look={look}
          // A screen reader hears which of several copy buttons it is on.
          aria-label={copyLabel === common.copy && !state ? `${common.copy} ${title}` : undefined}
          autoFocus={rest.autoFocus}
          onClick={press}
        >
          {state === 'copied' ? common.copied : copyLabel}
        </Button>
      </div>
      {state === 'failed' && <p className="kv-hint kv-warn-text">{manual()}</p>}
      {rest.children}
    </div>
  );
}

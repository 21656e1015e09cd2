import { type ReactNode, useLayoutEffect, useRef } from 'react';

interface Props {
  title: string;
  tone?: 'bad' | 'warn';
  /** Moves the focus to the heading: for what a failed submit leaves behind. */
  focus?: boolean;
  children?: ReactNode;
}

export function Alert({ title, tone = 'bad', focus, children }: Props) {
  const heading = useRef<HTMLParagraphElement>(null);
  // Each failure is a new alert (its key changes), so once per mount is once per failure. At once, before the focus goes
  // back to the button that was busy.
  useLayoutEffect(() => {
    if (focus) heading.current?.focus();
  }, [focus]);
  return (
    <div role="alert" className={`kv-note kv-${tone}`} part="alert">
      <p className="kv-strong" tabIndex={-1} ref={heading}>
        {title}
      </p>
      {children}
    </div>
  );
}

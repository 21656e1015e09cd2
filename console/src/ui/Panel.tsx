import { type ReactNode, type RefObject, useId } from 'react';

interface Props {
  title: string;
  aside?: ReactNode;
  /** Gets the focus when the button that had it is gone. */
  heading?: RefObject<HTMLHeadingElement | null>;
  children: ReactNode;
}

export function Panel({ title, aside, heading, children }: Props) {
  const id = useId();
  return (
    <section className="kv-panel" part="panel" aria-labelledby={id}>
      <header>
        <h3 id={id} ref={heading} tabIndex={-1}>
          {title}
        </h3>
        {aside}
      </header>
      <div className="kv-body">{children}</div>
    </section>
  );
}

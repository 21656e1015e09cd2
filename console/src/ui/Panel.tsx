import { type ReactNode, useId } from 'react';

interface Props {
  title: string;
  aside?: ReactNode;
  children: ReactNode;
}

export function Panel({ title, aside, children }: Props) {
  const id = useId();
  return (
    <section className="kv-panel" part="panel" aria-labelledby={id}>
      <header>
        {/* Gets the focus when the button that had it is gone. */}
        <h3 id={id} tabIndex={-1}>
          {title}
        </h3>
        {aside}
      </header>
      <div className="kv-body">{children}</div>
    </section>
  );
}

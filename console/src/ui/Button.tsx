import type { ComponentProps } from 'react';

interface Props extends ComponentProps<'button'> {
  look?: 'primary' | 'danger' | 'quiet';
  busy?: boolean;
}

/** A button that keeps its label and its size while it is busy. */
export function Button({ look, busy, className = '', disabled, ...rest }: Props) {
  return (
    <button
      type="button"
      part="button"
      {...rest}
      className={`kv-button ${look ? `kv-${look}` : ''} ${className}`}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
    />
  );
}

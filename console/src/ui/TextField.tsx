import { type ComponentProps, useId } from 'react';

interface Props extends ComponentProps<'input'> {
  title: string;
  hint?: string;
  fault?: string;
}

export function TextField({ title, hint, fault, ...rest }: Props) {
  const id = useId();
  const described = [hint && `${id}h`, fault && `${id}f`].filter(Boolean).join(' ');
  return (
    <div className="kv-field">
      <label htmlFor={id}>{title}</label>
      <input
        id={id}
        className="kv-input"
        spellCheck={false}
        autoComplete="off"
        aria-describedby={described || undefined}
        aria-invalid={fault ? true : undefined}
        {...rest}
      />
      {hint && (
        <p id={`${id}h`} className="kv-hint">
          {hint}
        </p>
      )}
      {fault && (
        <p id={`${id}f`} className="kv-hint kv-bad-text">
          {fault}
        </p>
      )}
    </div>
  );
}

import { useId } from 'react';

interface Props {
  title: string;
  hint?: string;
  checked: boolean;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
}

export function CheckField({ title, hint, checked, disabled, onChange }: Props) {
  const id = useId();
  return (
    <div>
      <label className="kv-check">
        <input
          type="checkbox"
          aria-describedby={hint && id}
          checked={checked}
          disabled={disabled}
          onChange={event => onChange(event.target.checked)}
        />
        {title}
      </label>
      {hint && (
        <p id={id} className="kv-hint">
          {hint}
        </p>
      )}
    </div>
  );
}

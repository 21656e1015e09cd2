import { useId } from 'react';

interface Props {
  title: string;
  value: string;
  /** Value to words. */
  choices: Record<string, string>;
  disabled?: boolean;
  onChange: (value: string) => void;
}

export function SelectField({ title, value, choices, disabled, onChange }: Props) {
  const id = useId();
  return (
    <div className="kv-field">
      <label htmlFor={id}>{title}</label>
      <select
        id={id}
        className="kv-input"
        value={value}
        disabled={disabled}
        onChange={event => onChange(event.target.value)}
      >
        {Object.entries(choices).map(([key, words]) => (
          <option key={key} value={key}>
            {words}
          </option>
        ))}
      </select>
    </div>
  );
}

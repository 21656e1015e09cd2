import { type FormEvent, useRef, useState } from 'react';
import { useAction } from '../action';
import type { Options as Every, IdentitySync } from '../client';
import { useShared } from '../context';
import { common, label, type Option, options } from '../strings';
import { Alert } from '../ui/Alert';
import { Button } from '../ui/Button';
import { CheckField } from '../ui/CheckField';
import { SelectField } from '../ui/SelectField';
import { TextField } from '../ui/TextField';

type Values = Record<string, unknown>;

interface Props<D extends keyof Every> {
  direction: D;
  saved: NonNullable<IdentitySync[D]['options']>;
  version: number;
}

/** The options of a direction. The form keeps what is being typed while the page is refreshed beneath it. */
export function Options<D extends keyof Every>({ direction, saved, version }: Props<D>) {
  const { api, mayWrite, refresh, announce } = useShared();
  const [edited, setEdited] = useState<Values>({});
  const [stored, setStored] = useState(false);
  // What the operator saw when the first edit was made, not what a refresh has brought since.
  const seen = useRef<number>(undefined);
  const { busy, fault, run } = useAction();
  const values: Values = { ...saved, ...edited };
  const save = (event: FormEvent) => {
    event.preventDefault();
    run(
      'save',
      async () => {
        await api.saveOptions(direction, seen.current ?? version, values as Every[D]);
        seen.current = undefined;
        await refresh();
        setEdited({});
        setStored(true);
        announce(common.saved);
      },
      async ({ code }) => {
        if (code !== 'stale') return;
        await refresh();
        seen.current = undefined;
      },
    );
  };
  const field = ({ name, choices, min, ...shown }: Option<D>) => {
    const value = values[name];
    const set = (to: unknown) => {
      seen.current ??= version;
      setStored(false);
      setEdited({ ...edited, [name]: to });
    };
    const rest = { ...shown, disabled: !mayWrite };
    if (choices) return <SelectField key={name} {...rest} value={value as string} choices={choices} onChange={set} />;
    if (min === undefined) return <CheckField key={name} {...rest} checked={value === true} onChange={set} />;
    return (
      <TextField
        key={name}
        {...rest}
        fault={fault?.problem?.field === name ? common.invalid : undefined}
        type="number"
        min={min}
        value={(value as number | null) ?? ''}
        onChange={({ target }) => set(target.value.trim() === '' ? null : Number(target.value))}
      />
    );
  };
  const fields: Option<D>[] = options[direction];
  const isCheck = ({ choices, min }: Option<D>) => !choices && min === undefined;
  return (
    <details className="kv-details">
      <summary>{label.advanced}</summary>
      <form className="kv-stack" onSubmit={save} noValidate>
        {fault && !fault.problem?.field && <Alert title={fault.words} focus />}
        <div className="kv-columns">{fields.filter(one => !isCheck(one)).map(field)}</div>
        {fields.filter(isCheck).map(field)}
        {mayWrite && (
          <div className="kv-actions">
            <Button type="submit" busy={!!busy}>
              {common.save}
            </Button>
            {stored && <span className="kv-ok-text">{common.saved}</span>}
          </div>
        )}
      </form>
    </details>
  );
}

import { type FormEvent, useState } from 'react';
import { useAction } from '../action';
import type { Schemas } from '../client';
import { useShared } from '../context';
import { common, label, options as words } from '../strings';
import { Alert } from '../ui/Alert';
import { Button } from '../ui/Button';
import { SelectField } from '../ui/SelectField';
import { TextField } from '../ui/TextField';

type Values = Schemas['InboundSettings'];

const whole = (text: string) => (text.trim() === '' ? null : Number(text));

/** The tenant's options. The form keeps what is being typed while the page is refreshed beneath it. */
export function Options({ saved }: { saved: Values }) {
  const { api, mayWrite, refresh, announce } = useShared();
  const [edited, setEdited] = useState<Partial<Values>>({});
  const [stored, setStored] = useState(false);
  const { busy, fault, run } = useAction();
  const values = { ...saved, ...edited };
  const set = (change: Partial<Values>) => {
    setStored(false);
    setEdited({ ...edited, ...change });
  };
  const fieldFault = (name: keyof Values) => (fault?.problem?.field === name ? words.invalid : undefined);
  const save = (event: FormEvent) => {
    event.preventDefault();
    run('save', async () => {
      await api.saveOptions(values);
      await refresh();
      setEdited({});
      setStored(true);
      announce(common.saved);
    });
  };
  const disabled = !mayWrite;
  return (
    <details className="kv-details">
      <summary>{label.advanced}</summary>
      <form className="kv-stack" onSubmit={save} noValidate>
        {fault && !fault.problem?.field && <Alert title={fault.words} focus />}
        <div className="kv-columns">
          <SelectField
            title={words.profile}
            value={values.idp_profile}
            choices={words.profiles}
            disabled={disabled}
            onChange={value => set({ idp_profile: value as Values['idp_profile'] })}
          />
          <SelectField
            title={words.existing}
            value={values.existing_users}
            choices={words.existings}
            disabled={disabled}
            onChange={value => set({ existing_users: value as Values['existing_users'] })}
          />
          <TextField
            title={words.days}
            hint={words.daysHint}
            fault={fieldFault('token_days')}
            type="number"
            min={1}
            disabled={disabled}
            value={values.token_days ?? ''}
            onChange={event => set({ token_days: whole(event.target.value) })}
          />
          <TextField
            title={words.rate}
            hint={words.rateHint}
            fault={fieldFault('requests_per_second')}
            type="number"
            min={25}
            disabled={disabled}
            value={values.requests_per_second ?? ''}
            onChange={event => set({ requests_per_second: whole(event.target.value) })}
          />
        </div>
        {(['strict_members', 'allow_rename'] as const).map(name => (
          <label key={name} className="kv-check">
            <input
              type="checkbox"
              checked={values[name]}
              disabled={disabled}
              onChange={event => set({ [name]: event.target.checked })}
            />
            {name === 'allow_rename' ? words.rename : words.strict}
          </label>
        ))}
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

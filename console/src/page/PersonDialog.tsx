import { type FormEvent, useState } from 'react';
import { useAction } from '../action';
import type { Schemas } from '../client';
import { common, label, people as words } from '../strings';
import { Alert } from '../ui/Alert';
import { Button } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import { TextField } from '../ui/TextField';

interface Props {
  person?: Schemas['Person'];
  onClose: () => void;
  onSave: (body: Schemas['SavePerson']) => Promise<void>;
}

const FIELDS = [
  ['username', words.username, 'text'],
  ['email', words.email, 'email'],
  ['first_name', words.first, 'text'],
  ['last_name', words.last, 'text'],
] as const;

export function PersonDialog({ person, onClose, onSave }: Props) {
  const { busy, fault, run } = useAction();
  const [nameless, setNameless] = useState(false);
  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    const text = (name: string) => String(given.get(name) ?? '').trim();
    const username = text('username');
    setNameless(!username);
    if (!username) return form.querySelector('input')?.focus();
    // An emptied field takes the value away; for a new user it is simply left out.
    const empty = person ? null : undefined;
    run('save', () =>
      onSave({
        username,
        email: text('email') || empty,
        first_name: text('first_name') || empty,
        last_name: text('last_name') || empty,
      }),
    );
  };
  return (
    // What comes of it is told here, so it stays until then.
    <Dialog title={person ? words.editTitle(person.username) : words.createTitle} onClose={busy ? () => {} : onClose}>
      <form className="kv-stack" noValidate onSubmit={save}>
        {fault && <Alert title={fault.words} focus />}
        {FIELDS.map(([name, title, type]) => (
          <TextField
            key={name}
            name={name}
            title={title}
            type={type}
            dir="auto"
            defaultValue={person?.[name] ?? ''}
            fault={name === 'username' && nameless ? words.needName : undefined}
          />
        ))}
        <div className="kv-actions kv-end">
          <Button onClick={onClose} disabled={!!busy}>
            {label.cancel}
          </Button>
          <Button type="submit" look="primary" busy={!!busy}>
            {common.save}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

import { type FormEvent, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { useShared } from '../context';
import type { Prefill } from '../props';
import { common, label, outbound, urlFault } from '../strings';
import { Button } from '../ui/Button';
import { TextField } from '../ui/TextField';
import { ProbeFailure } from './ProbeFailure';
import { TestedLine } from './TestedLine';
import { useTargetForm } from './useTargetForm';

/**
 * URL and token of the downstream. The fields are uncontrolled: React would mirror a controlled value into the DOM's
 * attributes, and the token belongs into the input's memory only.
 */
export function TargetForm({ prefill = {} }: { prefill?: Prefill }) {
  const { mayWrite } = useShared();
  const { busy, fault, faults, attempt, checking, unsure, tested, submit } = useTargetForm();
  const url = useRef<HTMLInputElement>(null);
  const token = useRef<HTMLInputElement>(null);
  const [prefixed, setPrefixed] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once; what the user clears stays cleared
  useEffect(() => {
    if (url.current) url.current.value = prefill.url ?? '';
    if (token.current) token.current.value = prefill.token ?? '';
  }, []);
  // Whoever found the fault, this page or the server: the field that has it gets the focus.
  useLayoutEffect(() => {
    if (faults.base_url || faults.token) (faults.base_url ? url : token).current?.focus();
  }, [faults]);
  const go = (kind: 'enable' | 'test') =>
    submit(kind, { base_url: url.current?.value ?? '', token: token.current?.value ?? '' });
  return (
    <form
      className="kv-stack"
      noValidate
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        go('enable');
      }}
    >
      {fault && (
        <ProbeFailure
          title={unsure ? common.unconfirmed : attempt === 'enable' ? outbound.notEnabled : outbound.testFailed}
          fault={fault}
          saved={unsure ? common.unsure : outbound.nothingSaved}
        />
      )}
      <div className="kv-columns">
        <TextField
          ref={url}
          title={label.downstreamUrl}
          placeholder={outbound.urlExample}
          type="url"
          inputMode="url"
          disabled={!mayWrite}
          fault={faults.base_url && (urlFault[faults.base_url] ?? urlFault.refused)}
        />
        <TextField
          ref={token}
          title={label.downstreamToken}
          type="password"
          disabled={!mayWrite}
          hint={prefixed ? outbound.bearerHint : outbound.tokenHint}
          fault={faults.token && urlFault.token}
          onChange={event => setPrefixed(/^\s*bearer\s/i.test(event.target.value))}
        />
      </div>
      {tested && <TestedLine probed={tested} />}
      {mayWrite && (
        <div className="kv-actions">
          <Button type="submit" look="primary" busy={busy === 'enable'} disabled={!!busy}>
            {label.enableOutbound}
          </Button>
          <Button busy={busy === 'test'} disabled={!!busy} onClick={() => go('test')}>
            {label.testConnection}
          </Button>
          {checking && (
            <span role="status" className="kv-quiet kv-break">
              {outbound.checking} {checking}
            </span>
          )}
        </div>
      )}
    </form>
  );
}

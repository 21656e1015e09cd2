import { useState } from 'react';
import { useAction } from '../action';
import type { Fault, Schemas } from '../client';
import { useShared } from '../context';
import { bareToken, urlFault } from '../url';

/** The downstream form: checks what can be seen from here, asks the server for the rest, keeps what was typed. */
export function useTargetForm() {
  const { api, during, refresh, development } = useShared();
  const { busy, fault, run } = useAction();
  const [faults, setFaults] = useState<{ base_url?: string; token?: string }>({});
  const [attempt, setAttempt] = useState<'enable' | 'test'>('enable');
  const [checking, setChecking] = useState('');
  const [unsure, setUnsure] = useState(false);
  const [tested, setTested] = useState<Schemas['Probed']>();

  const submit = (kind: 'enable' | 'test', form: { base_url: string; token: string }) => {
    const base_url = form.base_url.trim();
    const token = bareToken(form.token);
    const found = {
      base_url: urlFault(base_url, development),
      token: !token || /\s/.test(token) ? 'token' : undefined,
    };
    setFaults(found);
    setTested(undefined);
    setUnsure(false);
    if (found.base_url || found.token) return;
    setAttempt(kind);
    setChecking(`${base_url.replace(/\/+$/, '')}/ServiceProviderConfig`);
    run(
      kind,
      async () => {
        if (kind === 'test') setTested(await api.test({ base_url, token }));
        else {
          await during('outbound', () => api.enableOutbound({ base_url, token }));
          await refresh();
        }
      },
      async (fault: Fault) => {
        const field = fault.problem?.field;
        if (fault.code === 'invalid_field' && (field === 'base_url' || field === 'token')) {
          setFaults({ [field]: field === 'token' ? 'token' : (fault.problem?.part ?? 'refused') });
          return true;
        }
        // Enabled by somebody else, or by a call whose answer was lost: the latest state says so.
        if (kind === 'test' || !(fault.code === 'already_enabled' || fault.unconfirmed)) return false;
        const now = await refresh();
        setUnsure(!now);
        return now?.outbound.status === 'enabled';
      },
    ).finally(() => setChecking(''));
  };

  return { busy, fault, faults, attempt, checking, unsure, tested, submit };
}

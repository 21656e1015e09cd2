import { type ReactNode, useState } from 'react';
import { useAction } from '../action';
import type { Schemas } from '../client';
import { useShared } from '../context';
import { label, outbound } from '../strings';
import { Alert } from '../ui/Alert';
import { Button } from '../ui/Button';
import { Step } from '../ui/Step';
import { ProbeFailure } from './ProbeFailure';
import { TestedLine } from './TestedLine';

/** Test connection and Send a test user, for the target that is in use. */
export function Checks({ children }: { children: ReactNode }) {
  const { api } = useShared();
  const { busy, fault, run } = useAction();
  const [probed, setProbed] = useState<Schemas['Probed']>();
  const [sent, setSent] = useState<Schemas['TestUser']>();
  const start = (name: string, call: () => Promise<void>) => {
    setProbed(undefined);
    setSent(undefined);
    run(name, call);
  };
  return (
    <div className="kv-stack">
      <div className="kv-actions">
        <Button
          busy={busy === 'test'}
          disabled={!!busy}
          onClick={() => start('test', async () => setProbed(await api.test({})))}
        >
          {label.testConnection}
        </Button>
        <Button
          busy={busy === 'user'}
          disabled={!!busy}
          onClick={() => start('user', async () => setSent(await api.testUser()))}
        >
          {label.testUser}
        </Button>
        {children}
      </div>
      <p className="kv-hint">{outbound.testUserIntro}</p>
      {fault && <ProbeFailure title={outbound.testFailed} fault={fault} />}
      {probed && <TestedLine probed={probed} />}
      {sent && <Steps sent={sent} />}
    </div>
  );
}

function Steps({ sent }: { sent: Schemas['TestUser'] }) {
  const steps = (
    <ol className="kv-steps kv-bare">
      {sent.steps.map((step, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a finished list; the same operation may come twice
        <li key={at}>
          <Step operation={step.operation} result={step.status ?? step.class} duration={step.duration_ms} />
        </li>
      ))}
    </ol>
  );
  if (!sent.ok) {
    return (
      <Alert title={outbound.testUserFailed} focus>
        {steps}
      </Alert>
    );
  }
  return (
    <div role="status" className="kv-note kv-good">
      <p className="kv-strong">{outbound.testUserOk}</p>
      {steps}
    </div>
  );
}

import { useEffect, useState } from 'react';
import { useAction } from '../action';
import type { IdentitySync } from '../client';
import { useShared } from '../context';
import { Options } from '../options/Options';
import type { Prefill } from '../props';
import { common, label, sentence, outbound as words } from '../strings';
import { Ago } from '../ui/Ago';
import { Alert } from '../ui/Alert';
import { Badge } from '../ui/Badge';
import { Button } from '../ui/Button';
import { By } from '../ui/By';
import { ConfirmDialog } from '../ui/ConfirmDialog';
import { CopyField } from '../ui/CopyField';
import { Panel } from '../ui/Panel';
import { Backfill } from './Backfill';
import { Checks } from './Checks';
import { HealthLine, pausedUntil } from './HealthLine';
import { Held } from './Held';
import { Parked } from './Parked';
import { TargetForm } from './TargetForm';

export function Outbound({ sync, prefill, inboundId }: { sync: IdentitySync; prefill?: Prefill; inboundId: string }) {
  const { api, mayWrite, during, refresh } = useShared();
  const { busy, fault, run } = useAction();
  const [asking, setAsking] = useState(false);
  const [unsure, setUnsure] = useState(false);
  const panel = sync.outbound;
  const on = panel.status === 'enabled';
  // Off by somebody else's hand, there is nothing left to ask.
  useEffect(() => {
    if (!on) setAsking(false);
  }, [on]);
  const disable = () =>
    run(
      'disable',
      async () => {
        await during('outbound', api.disableOutbound);
        setAsking(false);
        await refresh();
      },
      async ({ unconfirmed }) => {
        setAsking(false);
        const now = await refresh();
        setUnsure(unconfirmed && !now);
        return unconfirmed && now?.outbound.status === 'disabled';
      },
    );
  return (
    <Panel title={label.outbound} aside={<Badge status={panel.status} />}>
      {fault && (
        <Alert title={unsure ? common.unconfirmed : words.disableFailed} tone={unsure ? 'warn' : 'bad'} focus>
          <p>{unsure ? common.unsure : fault.words}</p>
        </Alert>
      )}
      <Held held={panel.held} />
      {on ? (
        <>
          <HealthLine panel={panel} />
          <CopyField title={words.endpoint} value={panel.endpoint ?? ''}>
            <p className="kv-hint">
              {!panel.quarantined_at && !pausedUntil(panel) && words.active}{' '}
              {panel.enabled_at && (
                <>
                  {words.since} <Ago at={panel.enabled_at} />
                  <By who={panel.enabled_by} />.
                </>
              )}
            </p>
          </CopyField>
          {mayWrite && (
            <Checks>
              <Button look="danger" busy={!!busy} onClick={() => setAsking(true)}>
                {label.disable}
              </Button>
            </Checks>
          )}
          <Parked health={panel.health} />
          <Backfill job={panel.backfill} />
          {panel.options && <Options direction="outbound" saved={panel.options} version={sync.version} />}
          <Limits limits={[...panel.limitations, words.newToken]} />
        </>
      ) : (
        <>
          <p>{words.intro}</p>
          <TargetForm prefill={prefill} />
          <Limits limits={panel.limitations} />
        </>
      )}
      {sync.inbound.status === 'disabled' && (
        <p className="kv-quiet">
          {words.nextStep}{' '}
          <a
            href={`#${inboundId}`}
            onClick={event => {
              // By hand: a fragment does not reach into a shadow tree.
              event.preventDefault();
              const root = event.currentTarget.getRootNode() as Document | ShadowRoot;
              const target = root.getElementById(inboundId);
              target?.scrollIntoView();
              target?.querySelector<HTMLElement>('button, h3')?.focus();
            }}
          >
            {words.nextStepLink}
          </a>
          .
        </p>
      )}
      {asking && on && (
        <ConfirmDialog
          title={words.disableTitle}
          text={words.disableText}
          confirm={label.disable}
          busy={!!busy}
          onConfirm={disable}
          onClose={() => setAsking(false)}
        />
      )}
    </Panel>
  );
}

/** What holds for every downstream and what the probe noted of this one, as the server words it. */
function Limits({ limits }: { limits: string[] }) {
  const { supportUrl } = useShared();
  return (
    <div className="kv-limits">
      <h4>{words.limits}</h4>
      <ul>
        {limits.map(text => (
          <li key={text}>{sentence(text)}</li>
        ))}
      </ul>
      <p>
        {words.needMore}{' '}
        {supportUrl ? (
          <a href={supportUrl} target="_blank" rel="noreferrer">
            {words.support}
          </a>
        ) : (
          words.support
        )}
      </p>
    </div>
  );
}

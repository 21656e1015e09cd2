import type { IdentitySync, Schemas } from '../client';
import { useNumber, useShared } from '../context';
import { IdpGuide } from '../guide/IdpGuide';
import { Options } from '../options/Options';
import { label, inbound as words } from '../strings';
import { Ago } from '../ui/Ago';
import { Alert } from '../ui/Alert';
import { Badge } from '../ui/Badge';
import { Button } from '../ui/Button';
import { By } from '../ui/By';
import { ConfirmDialog } from '../ui/ConfirmDialog';
import { CopyField } from '../ui/CopyField';
import { Panel } from '../ui/Panel';
import { Who } from '../ui/Who';
import { Diagnostics } from './Diagnostics';
import { Requests } from './Requests';
import { Reveal } from './Reveal';
import { type Notice, noticeWords, useInbound } from './useInbound';

export function Inbound({ sync }: { sync: IdentitySync }) {
  const { mayWrite } = useShared();
  const state = useInbound(sync);
  const panel = sync.inbound;
  const on = panel.status === 'enabled';
  return (
    <Panel title={label.inbound} aside={<Badge status={panel.status} />}>
      {state.fault && (
        <Alert key={String(state.fault)} title={words.failed} focus>
          <p>{state.fault.words}</p>
        </Alert>
      )}
      {state.notice && <NoticeBox {...state.notice} />}
      {state.token && (
        <Reveal
          // A fresh token starts anew: masked, not copied, with the focus on Copy token.
          key={state.token}
          token={state.token}
          baseUrl={panel.base_url}
          onDone={state.done}
          onHiddenTooLong={state.hiddenTooLong}
        />
      )}
      {on ? (
        <>
          <CopyField title={label.baseUrl} value={panel.base_url}>
            {panel.also_valid && (
              <p className="kv-hint">
                {words.alsoValid} <code>{panel.also_valid}</code>
              </p>
            )}
          </CopyField>
          <Requests panel={panel} />
          <ImportLine job={panel.import} />
          {mayWrite && (
            <div className="kv-actions">
              <Button onClick={() => state.ask('rotate')}>{label.rotate}</Button>
              <Button look="danger" busy={state.busy === 'disable'} onClick={() => state.ask('disable')}>
                {label.disable}
              </Button>
            </div>
          )}
          <IdpGuide baseUrl={panel.base_url} token={state.token} />
          <Diagnostics panel={panel} />
          <Options direction="inbound" saved={panel.options} version={sync.version} />
        </>
      ) : (
        <>
          <p>{words.intro}</p>
          {panel.changed_at && <p className="kv-quiet">{words.offAgain}</p>}
          {mayWrite && (
            <div className="kv-actions">
              <Button look="primary" busy={state.busy === 'enable'} onClick={state.enable}>
                {label.enableInbound}
              </Button>
            </div>
          )}
        </>
      )}
      {state.dialog === 'rotate' && (
        <ConfirmDialog
          title={words.rotateTitle}
          text={state.stale ? <Stale panel={panel} rotated={state.stale === 'rotated'} /> : words.rotateText}
          confirm={label.rotate}
          busy={state.busy === 'rotate'}
          onConfirm={state.rotate}
          onClose={state.closeDialog}
        />
      )}
      {state.dialog === 'disable' && (
        <ConfirmDialog
          title={words.disableTitle}
          text={words.disableText}
          confirm={label.disable}
          busy={state.busy === 'disable'}
          onConfirm={state.disable}
          onClose={state.closeDialog}
        />
      )}
    </Panel>
  );
}

type PanelData = Schemas['InboundPanel'];

function NoticeBox({ kind, of }: Notice) {
  if (kind === 'elsewhere') {
    return (
      <div className="kv-note" role="status">
        <p>
          {words.enabledBy} <Who name={of?.changed_by ?? ''} /> {of?.changed_at && <Ago at={of.changed_at} />}
        </p>
      </div>
    );
  }
  const [title, text] = noticeWords[kind];
  return (
    <Alert key={kind} title={title} tone="warn" focus>
      {text && <p>{text}</p>}
    </Alert>
  );
}

function Stale({ panel, rotated }: { panel: PanelData; rotated: boolean }) {
  if (!rotated) return <p role="alert">{words.movedOn}</p>;
  return (
    <p role="alert">
      {words.rotatedBy} {panel.token_issued_at && <Ago at={panel.token_issued_at} />}
      <By who={panel.token_issued_by} />. {words.staleText}
    </p>
  );
}

function ImportLine({ job }: { job: PanelData['import'] }) {
  const number = useNumber();
  if (!job || (job.state === 'done' && job.imported === 0)) return null;
  return (
    <p className="kv-quiet">
      {job.state === 'running' ? words.importing : words.imported} {number(job.imported)}{' '}
      {job.state === 'running' && <progress aria-label={words.importing} />}
    </p>
  );
}

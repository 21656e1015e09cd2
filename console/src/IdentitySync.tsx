import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useAnswer } from './answer';
import { connect, Fault, type IdentitySync as Sync, tenantApi } from './client';
import { type Direction, LocaleContext, type Shared, SharedProvider } from './context';
import { useKeptFocus } from './focus';
import { Panels } from './Panels';
import type { Changed, IdentitySyncProps, Prefill } from './props';
import { Session } from './session';
import { badge, common, label, sync as words } from './strings';
import { Alert } from './ui/Alert';
import { Button } from './ui/Button';
import { useLive } from './ui/Live';
import { Skeleton } from './ui/Skeleton';

interface Props extends IdentitySyncProps {
  /** What the page around shows of the same answer. */
  children?: (sync: Sync | undefined) => ReactNode;
}

const REFRESH_MS = 10_000;
const BUSY_REFRESH_MS = 2_000;

/** The section with both panels and the activity, for one tenant; whole in itself. */
export function IdentitySync(props: Props) {
  return (
    <LocaleContext value={props.locale}>
      {/* Another tenant is another section: nothing of the first may stay, least of all a revealed token. */}
      <Section key={props.tenant} {...props} />
    </LocaleContext>
  );
}

function Section({
  tenant,
  getToken,
  apiBase = '',
  development = false,
  prefill,
  supportUrl,
  children,
  ...events
}: Props) {
  const latest = useRef({ getToken, ...events });
  latest.current = { getToken, ...events };
  const [ended, setEnded] = useState(false);
  const { announce, region } = useLive();
  const top = useRef<HTMLDivElement>(null);
  useKeptFocus(top);
  const session = useMemo(() => new Session(() => latest.current.getToken()), []);
  const api = useMemo(() => {
    const onEnd = () => {
      setEnded(true);
      latest.current.onSessionEnded?.();
    };
    const onFault = ({ code }: Fault) => latest.current.onError?.({ code });
    return tenantApi(connect(apiBase, session, { onEnd, onFault }), tenant);
  }, [apiBase, session, tenant]);

  const parked = useRef<Shared['parked']['current']>(undefined);
  const show = useCallback(async () => {
    const sync = await api.show();
    // Whom the list will hold is known before it is there: it would push down what stands below it.
    if (sync.outbound.health?.parked) parked.current ??= await api.parked().catch(() => undefined);
    return sync;
  }, [api]);
  const { data, error, refetch } = useAnswer(show, known => {
    if (ended) return 0;
    const moving = known?.outbound.backfill?.state === 'running' || known?.inbound.import?.state === 'running';
    return moving ? BUSY_REFRESH_MS : REFRESH_MS;
  });

  const refresh = useCallback(() => refetch().catch(() => undefined), [refetch]);
  // The server notes a change before it answers, and whoever looks meanwhile is told of it: done it is with the answer.
  const [held, setHeld] = useState<{ [D in Direction]?: Sync[D] }>({});
  const shown = data && { ...data, inbound: held.inbound ?? data.inbound, outbound: held.outbound ?? data.outbound };
  const seen = useRef(data);
  seen.current = data;
  const during = useCallback<Shared['during']>(async (direction, call) => {
    const hold = (panel?: Sync[Direction]) => setHeld(old => ({ ...old, [direction]: panel }));
    hold(seen.current?.[direction]);
    try {
      return await call();
    } finally {
      hold();
    }
  }, []);
  useChanges(shown, announce, change => latest.current.onChanged?.(change));
  // The token's rights are known with the first answer.
  const mayWrite = session.may('sync:write', tenant);
  const shared = useMemo(
    () => ({ api, parked, tenant, mayWrite, development, supportUrl, announce, during, refresh }),
    [api, tenant, mayWrite, development, supportUrl, announce, during, refresh],
  );

  return (
    <SharedProvider value={shared}>
      <div className="kv-section" lang="en" ref={top}>
        {children?.(shown)}
        <header className="kv-intro">
          <h2 tabIndex={-1}>{label.section}</h2>
          <p className="kv-quiet">{words.intro}</p>
        </header>
        {region}
        <Body ended={ended} sync={shown} error={error} mayWrite={mayWrite} again={refresh} prefill={prefill} />
      </div>
    </SharedProvider>
  );
}

interface BodyProps {
  ended: boolean;
  sync: Sync | undefined;
  error: unknown;
  mayWrite: boolean;
  again: () => void;
  prefill?: Prefill;
}

function Body({ ended, sync, error, mayWrite, again, prefill }: BodyProps) {
  if (ended) {
    return (
      <div className="kv-panel kv-body kv-empty" role="alert">
        <p className="kv-strong">{words.ended}</p>
        <p className="kv-quiet">{words.endedHint}</p>
      </div>
    );
  }
  if (!sync && error) {
    const missing = error instanceof Fault && error.status === 404;
    if (missing) return <Alert title={words.missing} tone="warn" />;
    return (
      <Alert title={common.loadFailed}>
        {error instanceof Fault && <p>{error.words}</p>}
        <Button onClick={again}>{common.tryAgain}</Button>
      </Alert>
    );
  }
  if (!sync) return <Skeleton />;
  return (
    <>
      {!!error && (
        <p className="kv-note kv-warn" role="status">
          {words.lost}
        </p>
      )}
      {!mayWrite && <p className="kv-note">{words.readOnly}</p>}
      <Panels sync={sync} prefill={prefill} />
    </>
  );
}

/** Says each change of a badge once, to the screen reader and to the host. */
function useChanges(sync: Sync | undefined, announce: (text: string) => void, tell: (change: Changed) => void) {
  const seen = useRef<Sync>(undefined);
  useEffect(() => {
    const before = seen.current;
    seen.current = sync;
    if (!sync || !before) return;
    for (const [direction, name] of [
      ['inbound', label.inbound],
      ['outbound', label.outbound],
    ] as const) {
      const { status } = sync[direction];
      if (status === before[direction].status) continue;
      announce(`${name}: ${badge[status]}`);
      tell({ direction, status });
    }
  });
}

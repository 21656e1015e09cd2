import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query';
import { type ComponentType, type ReactNode, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { createApi, Fault, type IdentitySync as Sync } from './client';
import { type Changed, LocaleContext, SharedProvider } from './context';
import type { PanelsProps, Prefill } from './Panels';
import { Session, SessionEnded } from './session';
import { common, label, sync as words } from './strings';
import { Alert } from './ui/Alert';
import { Button } from './ui/Button';
import { useLive } from './ui/Live';
import { Skeleton } from './ui/Skeleton';

export interface Events {
  onChanged?: (change: Changed) => void;
  onError?: (error: { code: string }) => void;
  onSessionEnded?: () => void;
}

export interface IdentitySyncProps extends Events {
  /** At once where all is one file, else loaded beside the first answer. */
  panels: ComponentType<PanelsProps>;
  tenant: string;
  /** Gives the operator's short-lived token; asked again when less than a minute of it is left. */
  getToken: () => Promise<string>;
  apiBase?: string;
  locale?: string;
  /** http, addresses and any port are left to the server's own development flag. */
  development?: boolean;
  prefill?: Prefill;
  /** What the page around shows of the same answer. */
  children?: (sync: Sync | undefined) => ReactNode;
}

const REFRESH_MS = 10_000;
const BUSY_REFRESH_MS = 2_000;

const newClient = () => new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 1000 } } });

/** The section with both panels and the activity, for one tenant; whole in itself. */
export function IdentitySync(props: IdentitySyncProps) {
  const [client] = useState(newClient);
  return (
    <QueryClientProvider client={client}>
      <LocaleContext value={props.locale}>
        {/* Another tenant is another section: nothing of the first may stay, least of all a revealed token. */}
        <Section key={props.tenant} {...props} />
      </LocaleContext>
    </QueryClientProvider>
  );
}

function Section({
  panels,
  tenant,
  getToken,
  apiBase = '',
  development = false,
  prefill,
  children,
  ...events
}: IdentitySyncProps) {
  const latest = useRef({ getToken, ...events });
  latest.current = { getToken, ...events };
  const [ended, setEnded] = useState(false);
  const { announce, region } = useLive();
  const session = useMemo(() => new Session(() => latest.current.getToken()), []);
  const api = useMemo(() => {
    const end = () => {
      setEnded(true);
      latest.current.onSessionEnded?.();
    };
    return createApi(apiBase, session, end).of(tenant);
  }, [apiBase, session, tenant]);

  const query = useQuery({
    queryKey: [tenant, 'identity-sync'],
    queryFn: api.show,
    enabled: !ended,
    refetchInterval: ({ state: { data } }) =>
      data?.outbound.backfill?.state === 'running' || data?.inbound.import?.state === 'running'
        ? BUSY_REFRESH_MS
        : REFRESH_MS,
  });
  const { refetch, data, error } = query;
  const refresh = useCallback(() => refetch({ throwOnError: true }).then(answer => answer.data), [refetch]);

  useChanges(data, announce, change => latest.current.onChanged?.(change));
  useEffect(() => {
    if (error && !(error instanceof SessionEnded))
      latest.current.onError?.({ code: error instanceof Fault ? error.code : 'other' });
  }, [error]);

  // The token's rights are known with the first answer.
  const mayWrite = session.may('sync:write', tenant);
  const shared = useMemo(
    () => ({ api, tenant, mayWrite, development, announce, refresh }),
    [api, tenant, mayWrite, development, announce, refresh],
  );

  return (
    <SharedProvider value={shared}>
      <div className="kv-section" lang="en">
        {children?.(data)}
        <header className="kv-intro">
          <h2>{label.section}</h2>
          <p className="kv-quiet">{words.intro}</p>
        </header>
        {region}
        <Body
          panels={panels}
          ended={ended}
          sync={data}
          error={error}
          mayWrite={mayWrite}
          again={() => refetch()}
          prefill={prefill}
        />
      </div>
    </SharedProvider>
  );
}

interface BodyProps {
  panels: ComponentType<PanelsProps>;
  ended: boolean;
  sync: Sync | undefined;
  error: Error | null;
  mayWrite: boolean;
  again: () => void;
  prefill?: Prefill;
}

function Body({ panels: Panels, ended, sync, error, mayWrite, again, prefill }: BodyProps) {
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
    const text = missing ? words.missing : error instanceof Fault ? error.words : '';
    return (
      <Alert title={common.loadFailed}>
        <p>{text}</p>
        {!missing && <Button onClick={again}>{common.tryAgain}</Button>}
      </Alert>
    );
  }
  if (!sync) return <Skeleton />;
  return (
    <>
      {!mayWrite && <p className="kv-note">{words.readOnly}</p>}
      <Suspense fallback={<Skeleton />}>
        <Panels sync={sync} prefill={prefill} />
      </Suspense>
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
    for (const direction of ['inbound', 'outbound'] as const) {
      const { status } = sync[direction];
      if (status === before[direction].status) continue;
      announce(`${label[direction]}: ${label[status]}`);
      tell({ direction, status });
    }
  });
}

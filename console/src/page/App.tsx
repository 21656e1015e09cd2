import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { Session } from '../session';
import { page } from '../strings';
import { createApi } from './api';
import { People } from './People';
import { place, useUrl } from './router';
import { SignedOut, type SignedOutState } from './SignedOut';
import { type Config, readConfig, redeem, Tokens, takeCode } from './signIn';
import { TenantList } from './TenantList';
import { TenantPage } from './TenantPage';

type State = 'in' | SignedOutState;

/** How often the page looks whether its token is about to end. */
const EVERY_MS = 30_000;

const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });

/** The standalone page: signs in by a one-time code, keeps the token in memory, shows one of three places. */
export function App() {
  const [state, setState] = useState<State>('signing-in');
  const [config, setConfig] = useState<Config>();
  const [token, setToken] = useState('');

  const end = useCallback(() => {
    setToken('');
    setState('ended');
  }, []);

  useEffect(() => {
    const enter = async () => {
      const code = takeCode();
      const [minted] = await Promise.all([code && redeem(code), readConfig().then(setConfig)]);
      setToken(minted || '');
      setState(minted ? 'in' : code ? 'code-failed' : 'none');
    };
    enter();
    // A new link opened in this very tab changes the fragment alone.
    const again = () => location.hash.includes('code=') && enter();
    addEventListener('hashchange', again);
    return () => removeEventListener('hashchange', again);
  }, []);

  // Whether there is a bar on top decides where everything below stands: it is not drawn only to jump.
  if (!config) return null;
  return (
    <QueryClientProvider client={client}>
      <a className="kv-skip" href="#main">
        {page.skip}
      </a>
      {config.demo && <aside className="kv-demo">{page.demo}</aside>}
      {state === 'in' ? (
        <Places key={token} token={token} config={config} onEnd={end} />
      ) : (
        <SignedOut state={state} demo={config.demo} />
      )}
    </QueryClientProvider>
  );
}

function Places({ token, config, onEnd }: { token: string; config: Config; onEnd: () => void }) {
  const url = useUrl();
  const getToken = useMemo(() => new Tokens(token).get, [token]);
  const session = useMemo(() => new Session(getToken), [getToken]);
  // Nobody may ask in the last minutes of a token, and afterwards there is none to get the next one with.
  useEffect(() => {
    const timer = setInterval(getToken, EVERY_MS);
    return () => clearInterval(timer);
  }, [getToken]);
  const api = useMemo(() => createApi('', session, { onEnd }), [session, onEnd]);
  const here = place(url.split('?')[0] ?? '');
  if (here.at === 'list') return <TenantList api={api} />;
  if (here.at === 'people') return <People key={here.slug} api={api} slug={here.slug} />;
  return <TenantPage key={here.slug} slug={here.slug} getToken={getToken} config={config} onEnd={onEnd} />;
}

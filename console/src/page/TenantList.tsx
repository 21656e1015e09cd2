import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useNumber } from '../context';
import { common, page } from '../strings';
import { Alert } from '../ui/Alert';
import { Button } from '../ui/Button';
import { Waiting } from '../ui/Skeleton';
import { TextField } from '../ui/TextField';
import type { Api } from './api';
import { go, Link, paths, useUrl } from './router';
import { Shell } from './Shell';

const PAGE = 25;
const TYPING_MS = 300;

const address = (search: string, offset: number) => {
  const query = new URLSearchParams({ ...(search && { search }), ...(offset && { offset: String(offset) }) });
  return paths.list + (query.size ? `?${query}` : '');
};

/** Deployments: one page of tenants at a time, however many there are. Search and place are in the address. */
export function TenantList({ api }: { api: Api }) {
  const query = new URLSearchParams(useUrl().split('?')[1]);
  const search = query.get('search') ?? '';
  const offset = Number(query.get('offset')) || 0;
  const [typed, setTyped] = useState(search);
  const number = useNumber();
  const list = useQuery({
    queryKey: ['tenants', search, offset],
    queryFn: () => api.tenants({ search: search || undefined, offset, limit: PAGE }),
    placeholderData: keepPreviousData,
  });
  useEffect(() => {
    document.title = `${page.deployments} · ${page.title}`;
  }, []);
  useEffect(() => {
    const timer = setTimeout(() => typed.trim() !== search && go(address(typed.trim(), 0), true), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed, search]);
  const { tenants = [], total = 0 } = list.data ?? {};
  const range = page.range(number(Math.min(offset + 1, total)), number(Math.min(offset + PAGE, total)), number(total));

  return (
    <Shell crumbs={[[page.deployments]]}>
      <div className="kv-head">
        <h1>{page.deployments}</h1>
        <TextField
          title={page.search}
          placeholder={page.searchHint}
          type="search"
          value={typed}
          onChange={event => setTyped(event.target.value)}
        />
      </div>
      {list.error && (
        <Alert title={common.loadFailed}>
          <Button onClick={() => list.refetch()}>{common.tryAgain}</Button>
        </Alert>
      )}
      {list.isPending && (
        <div className="kv-panel" role="status" aria-label={common.loading}>
          <Waiting height="kv-h3" />
        </div>
      )}
      {list.data && total === 0 && (
        <div className="kv-panel kv-body kv-empty">
          <p className="kv-strong">{search ? page.noMatch : page.noTenants}</p>
          {!search && <p className="kv-quiet">{page.noTenantsHint}</p>}
        </div>
      )}
      {tenants.length > 0 && (
        <ul className="kv-panel kv-tenants" aria-busy={list.isPlaceholderData}>
          {tenants.map(tenant => (
            <li key={tenant.slug}>
              <Link href={paths.tenant(tenant.slug)}>
                <span className="kv-strong">
                  <bdi>{tenant.display_name}</bdi>
                </span>
                <span className="kv-quiet">{tenant.slug}</span>
                <code>{new URL(tenant.base_url).host}</code>
              </Link>
            </li>
          ))}
        </ul>
      )}
      {total > 0 && (
        <nav className="kv-spread" aria-label={page.deployments}>
          <span className="kv-quiet" role="status">
            {range}
          </span>
          {total > PAGE && (
            <span className="kv-actions">
              <Button disabled={offset === 0} onClick={() => go(address(search, Math.max(0, offset - PAGE)))}>
                {common.previous}
              </Button>
              <Button disabled={offset + PAGE >= total} onClick={() => go(address(search, offset + PAGE))}>
                {common.next}
              </Button>
            </span>
          )}
        </nav>
      )}
    </Shell>
  );
}

import { useEffect } from 'react';
import type { IdentitySync as Sync } from '../client';
import { IdentitySync } from '../IdentitySync';
import { label, page } from '../strings';
import { Link, paths } from './router';
import { deployments, Shell } from './Shell';
import type { Config } from './signIn';

interface Props {
  slug: string;
  getToken: () => Promise<string>;
  config: Config;
  onEnd: () => void;
}

export function TenantPage({ slug, getToken, config, onEnd }: Props) {
  useEffect(() => {
    document.title = `${slug} · ${page.title}`;
  }, [slug]);
  return (
    <Shell crumbs={[deployments, [slug]]}>
      <IdentitySync
        tenant={slug}
        getToken={getToken}
        onSessionEnded={onEnd}
        development={config.demo}
        supportUrl={config.support_url ?? undefined}
        prefill={{ url: config.downstream_url, token: config.downstream_token }}
      >
        {sync => (
          <div className="kv-head">
            <h1>
              {/* The name takes the slug's place; it is not the same word that moves. */}
              <bdi key={sync?.display_name}>{sync?.display_name ?? slug}</bdi>
            </h1>
            <AdminConsole slug={slug} sync={sync} />
          </div>
        )}
      </IdentitySync>
    </Shell>
  );
}

/** A realm of Keycloak has its own console; an embedded one has the small page of people. */
function AdminConsole({ slug, sync }: { slug: string; sync: Sync | undefined }) {
  if (sync?.realm_kind === 'embedded') {
    return (
      <Link className="kv-button" href={paths.people(slug)}>
        {label.adminConsole}
      </Link>
    );
  }
  return (
    <a
      className="kv-button"
      href={sync?.admin_console_url ?? undefined}
      aria-disabled={!sync?.admin_console_url || undefined}
      target="_blank"
      rel="noreferrer"
    >
      {label.adminConsole} <span aria-hidden="true">↗</span>
      <span className="kv-sr"> {page.newTab}</span>
    </a>
  );
}

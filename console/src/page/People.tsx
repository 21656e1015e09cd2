import { useQuery } from '@tanstack/react-query';
import { Fragment, useEffect, useState } from 'react';
import { useAction } from '../action';
import { Fault, type Schemas } from '../client';
import { common, people as words } from '../strings';
import { Alert } from '../ui/Alert';
import { Badge } from '../ui/Badge';
import { Button } from '../ui/Button';
import { useLive } from '../ui/Live';
import { Waiting } from '../ui/Skeleton';
import { Who } from '../ui/Who';
import type { Api } from './api';
import { PersonDialog } from './PersonDialog';
import { paths } from './router';
import { deployments, Shell } from './Shell';

type Person = Schemas['Person'];

/** What is known of somebody beside the user name. */
const about = ({ username, email, first_name, last_name }: Person) =>
  [[first_name, last_name].filter(Boolean).join(' '), email === username ? '' : email].filter(
    text => !!text,
  ) as string[];

/** What Open Admin Console leads to when the realm is an embedded one. */
export function People({ api, slug }: { api: Api; slug: string }) {
  const realm = api.people(slug);
  const list = useQuery({ queryKey: ['people', slug], queryFn: realm.list });
  const [editing, setEditing] = useState<Person | 'new'>();
  const { busy, fault, run } = useAction();
  const { announce, region } = useLive();
  useEffect(() => {
    document.title = `${words.title} · ${slug}`;
  }, [slug]);
  const toggle = (person: Person) =>
    run(person.id, async () => {
      await realm.change(person.id, { enabled: !person.enabled });
      await list.refetch();
      announce(common.saved);
    });
  const refused = list.error instanceof Fault && list.error.status === 403;
  return (
    <Shell crumbs={[deployments, [slug, paths.tenant(slug)], [words.title]]}>
      {region}
      <div className="kv-head">
        <h1>{words.title}</h1>
        {list.data && (
          <Button look="primary" onClick={() => setEditing('new')}>
            {words.create}
          </Button>
        )}
      </div>
      <p className="kv-quiet">{words.intro}</p>
      {list.error && (
        <Alert title={refused ? words.forbidden : common.loadFailed}>
          {!refused && <Button onClick={() => list.refetch()}>{common.tryAgain}</Button>}
        </Alert>
      )}
      {fault && <Alert title={fault.words} focus />}
      {list.isPending && (
        <div className="kv-panel" role="status" aria-label={common.loading}>
          <Waiting height="kv-h2" />
        </div>
      )}
      {list.data?.length === 0 && (
        <div className="kv-panel kv-body kv-empty">
          <p className="kv-strong">{words.empty}</p>
          <p className="kv-quiet">{words.emptyHint}</p>
        </div>
      )}
      {list.data && list.data.length > 0 && (
        <ul className="kv-panel kv-list kv-people">
          {list.data.map(person => (
            <li key={person.id}>
              <div className="kv-grow">
                <Who name={person.username} look="kv-strong kv-break" />
                <p className="kv-quiet">
                  {about(person).map((text, at) => (
                    <Fragment key={text}>
                      {at > 0 && ' · '}
                      <Who name={text} />
                    </Fragment>
                  ))}
                </p>
              </div>
              <Badge status={person.enabled ? 'enabled' : 'disabled'} />
              <div className="kv-actions">
                <Button onClick={() => setEditing(person)} aria-label={words.editTitle(person.username)}>
                  {words.edit}
                </Button>
                <Button
                  busy={busy === person.id}
                  aria-label={`${person.enabled ? words.disable : words.enable} ${person.username}`}
                  onClick={() => toggle(person)}
                >
                  {person.enabled ? words.disable : words.enable}
                </Button>
              </div>
            </li>
          ))}
        </ul>
      )}
      {editing && (
        <PersonDialog
          person={editing === 'new' ? undefined : editing}
          onClose={() => setEditing(undefined)}
          onSave={async body => {
            if (editing === 'new') await realm.create({ ...body, enabled: true });
            else await realm.change(editing.id, body);
            setEditing(undefined);
            announce(common.saved);
            await list.refetch();
          }}
        />
      )}
    </Shell>
  );
}

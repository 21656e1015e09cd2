import { useCallback, useEffect, useState } from 'react';
import { useAction } from '../action';
import { useAnswer } from '../answer';
import type { Schemas } from '../client';
import { useNumber, useShared } from '../context';
import { common, label, parked as words } from '../strings';
import { Ago } from '../ui/Ago';
import { Alert } from '../ui/Alert';
import { Button } from '../ui/Button';
import { Who } from '../ui/Who';
import { LinkDialog } from './LinkDialog';

type User = Schemas['ParkedUser'];

/** Users set aside, with their reason and what can be done about it. */
export function Parked({ health }: { health: Schemas['OutboundPanel']['health'] }) {
  const count = health?.parked ?? 0;
  const { api, parked, mayWrite, refresh, announce } = useShared();
  const [cursors, setCursors] = useState<string[]>([]);
  const [linking, setLinking] = useState<User>();
  const { busy, fault, run } = useAction();
  const number = useNumber();
  const cursor = cursors.at(-1);
  // Asked again when the number of parked users changes.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the count is the reason to ask
  const ask = useCallback(() => api.parked(cursor), [api, cursor, count]);
  const list = useAnswer(ask, undefined, count ? parked.current : undefined);
  const settled = async (said: string) => {
    announce(said);
    await Promise.all([refetch(), refresh()]);
  };
  const { refetch } = list;
  const users = list.data?.users ?? [];
  // Who was let go and is parked again leaves the number as it was, and may be missing in the list.
  const differs = list.data && !list.data.next && !cursor && users.length !== count;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each look at the panel is a reason to ask
  useEffect(() => {
    if (differs) refetch().catch(() => {});
  }, [differs, health, refetch]);
  if (count === 0 && users.length === 0) return null;
  return (
    <details className="kv-details" open>
      <summary>
        {label.parked} <span className="kv-count">{number(count)}</span>
      </summary>
      <p className="kv-quiet">{words.intro}</p>
      {fault && <Alert title={fault.words} focus />}
      {!!list.error && <Alert title={common.loadFailed} />}
      <ul className="kv-list">
        {users.map(user => (
          <li key={user.user_id}>
            <div className="kv-grow">
              <Who name={user.username ?? user.user_id} look="kv-strong kv-break" />
              {user.kind === 'group' && <span className="kv-quiet"> {words.group}</span>}
              <p className="kv-quiet">
                <span className="kv-warn-text">
                  {words.reasons[user.reason] ?? user.reason}
                  {user.status ? ` (${user.status})` : ''}
                </span>{' '}
                · <Ago at={user.since} />
                {user.attempts > 0 && ` · ${words.attempts(user.attempts)}`}
              </p>
              {user.reason === 'conflict' && <p className="kv-hint">{words.conflictHint}</p>}
            </div>
            {mayWrite && (
              <div className="kv-actions">
                {user.reason === 'conflict' && <Button onClick={() => setLinking(user)}>{label.link}</Button>}
                {(
                  [
                    ['retry', label.retry, words.retried],
                    ['ignore', label.ignore, words.ignored],
                  ] as const
                ).map(([what, name, done]) => (
                  <Button
                    key={what}
                    busy={busy === what + user.user_id}
                    onClick={() =>
                      run(
                        what + user.user_id,
                        async () => {
                          await api[what](user.user_id);
                          await settled(done);
                        },
                        // Somebody else was faster.
                        ({ code }) =>
                          code === 'not_found' &&
                          settled(words.notParked).then(
                            () => true,
                            () => false,
                          ),
                      )
                    }
                  >
                    {name}
                  </Button>
                ))}
              </div>
            )}
          </li>
        ))}
      </ul>
      {(cursor || list.data?.next) && (
        <div className="kv-actions">
          {cursor && <Button onClick={() => setCursors(cursors.slice(0, -1))}>{common.previous}</Button>}
          {list.data?.next && (
            <Button onClick={() => setCursors([...cursors, list.data?.next ?? ''])}>{common.next}</Button>
          )}
        </div>
      )}
      {linking && (
        <LinkDialog
          user={linking}
          onClose={() => setLinking(undefined)}
          onLinked={() => {
            setLinking(undefined);
            return settled(words.linked);
          }}
        />
      )}
    </details>
  );
}

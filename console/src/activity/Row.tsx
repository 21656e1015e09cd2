import { Fragment, useCallback, useId, useState } from 'react';
import { useAction } from '../action';
import { useAnswer } from '../answer';
import type { Schemas } from '../client';
import { useLocale, useNumber, useShared } from '../context';
import { common, firstSentence, label, parked, refusal, rejected, activity as words } from '../strings';
import { clock } from '../time';
import { Button } from '../ui/Button';
import { Facts } from '../ui/Facts';
import { Step } from '../ui/Step';
import { Who } from '../ui/Who';

type Entry = Schemas['ActivityEntry'];

const SOME = 2;
const classes: Record<string, string> = words.classes;

const good = (entry: Entry) => (entry.status ? entry.status < 400 : ['ok', 'done'].includes(entry.class));

/** What came of it, in a word; success speaks by its number. */
function outcome(entry: Entry): string {
  if (entry.class === 'ok') return '';
  return rejected[entry.class] ? words.refused : (classes[entry.class] ?? entry.class);
}

/** What a line has room for; the rest is seen when the row is opened. */
const changedShortly = (names: string[]) =>
  names.slice(0, SOME).join(', ') + (names.length > SOME ? words.andMore(names.length - SOME) : '');

/** One line of the log, as `POST /Users 201`; it opens to the steps of the same change. */
export function Row({ entry, onUser }: { entry: Entry; onUser: (user: string) => void }) {
  const id = useId();
  const locale = useLocale();
  const [open, setOpen] = useState(false);
  const said = [outcome(entry), firstSentence(refusal(entry))].filter(Boolean).join(' · ');
  return (
    <li className="kv-entry">
      <button
        type="button"
        className="kv-line"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        onClick={() => setOpen(!open)}
      >
        <time dateTime={entry.at}>{clock(entry.at, locale, true)}</time>
        <Way to={entry.direction} />
        <span className="kv-op">
          <code>{entry.operation}</code> <b className={good(entry) ? 'kv-ok-text' : 'kv-bad-text'}>{entry.status}</b>
        </span>
        <span className="kv-who">
          {entry.username ? (
            <Who name={entry.username} />
          ) : (
            <code className="kv-quiet">{entry.user_id?.slice(0, 8)}</code>
          )}
        </span>
        <span className="kv-why">{said || <span className="kv-quiet">{changedShortly(entry.changed)}</span>}</span>
      </button>
      {open && <Details id={id} entry={entry} onUser={onUser} />}
    </li>
  );
}

const Way = ({ to }: { to: Entry['direction'] }) => <span className={`kv-dir kv-${to}`}>{words.directions[to]}</span>;

function Details({ id, entry, onUser }: { id: string; entry: Entry; onUser: (user: string) => void }) {
  const number = useNumber();
  const facts: [string, string | null | undefined][] = [
    [words.reason, refusal(entry)],
    [words.changed, entry.changed.join(', ')],
    [words.client, entry.client],
    [words.duration, `${number(entry.duration_ms)} ms`],
    [words.user, entry.username],
    [words.userId, entry.user_id],
    [words.detail, entry.detail],
  ];
  return (
    <div id={id} className="kv-more">
      <Facts facts={facts} />
      {entry.trace_id && <Trace trace={entry.trace_id} current={entry.id} />}
      {entry.user_id && (
        <div className="kv-actions">
          <Button look="quiet" onClick={() => onUser(entry.user_id ?? '')}>
            {words.onlyUser}
          </Button>
          {entry.direction === 'out' && !good(entry) && <Again user={entry.user_id} />}
        </div>
      )}
    </div>
  );
}

/** Sends a parked user again, from where the failure is read. */
function Again({ user }: { user: string }) {
  const { api, mayWrite, refresh, announce } = useShared();
  const { busy, fault, run } = useAction();
  const [told, setTold] = useState('');
  if (!mayWrite) return null;
  const retry = () =>
    run(
      'retry',
      async () => {
        await api.retry(user);
        setTold(parked.retried);
        announce(parked.retried);
        await refresh();
      },
      ({ status }) => {
        if (status === 404) setTold(parked.notParked);
        return status === 404;
      },
    );
  return (
    <>
      <Button look="quiet" busy={!!busy} onClick={retry}>
        {label.retry}
      </Button>
      {/* Another element, not another role: a screen reader says an alert when it appears. */}
      <span key={String(!!fault)} role={fault ? 'alert' : 'status'} className={fault ? 'kv-bad-text' : 'kv-hint'}>
        {fault ? fault.words : told}
      </span>
    </>
  );
}

/** From the IdP's request to the downstream's answer, oldest first. */
function Trace({ trace, current }: { trace: string; current: string }) {
  const { api } = useShared();
  const locale = useLocale();
  const steps = useAnswer(useCallback(() => api.activity({ trace }), [api, trace]));
  const entries = steps.data?.entries.toReversed() ?? [];
  return (
    <>
      <h4>
        {words.steps} <code className="kv-quiet">{trace.slice(0, 8)}</code>
      </h4>
      {!!steps.error && <p>{common.loadFailed}</p>}
      <ol className="kv-steps">
        {entries.map(entry => (
          <Fragment key={entry.id}>
            <li aria-current={entry.id === current ? 'step' : undefined}>
              <time dateTime={entry.at}>{clock(entry.at, locale, true)}</time> <Way to={entry.direction} />{' '}
              <Step operation={entry.operation} result={entry.status} good={good(entry)} duration={entry.duration_ms}>
                {outcome(entry)}
              </Step>
            </li>
            {entry.realm_calls.map(({ operation, class: outcome, count, duration_ms }) => (
              <li key={operation + outcome} className="kv-call">
                <Way to="realm" />{' '}
                <Step operation={operation} result={outcome} good={outcome === 'ok'} duration={duration_ms}>
                  {count > 1 && `×${count}`}
                </Step>
              </li>
            ))}
          </Fragment>
        ))}
      </ol>
    </>
  );
}

import { Fragment, useCallback, useId, useState } from 'react';
import { useAnswer } from '../answer';
import type { Schemas } from '../client';
import { useLocale, useNumber, useShared } from '../context';
import { rejected, activity as words } from '../strings';
import { clock } from '../time';
import { Button } from '../ui/Button';
import { Facts } from '../ui/Facts';
import { Step } from '../ui/Step';

type Entry = Schemas['ActivityEntry'];

const SOME = 2;
const classes: Record<string, string> = words.classes;

const good = (entry: Entry) => (entry.status ? entry.status < 400 : ['ok', 'done'].includes(entry.class));

/** What came of it, in a word; success speaks by its number. */
function outcome(entry: Entry): string {
  if (entry.class === 'ok') return '';
  return rejected[entry.class] ? words.refused : (classes[entry.class] ?? entry.class);
}

/** Why, for a person: by the class where there are words for it, else as the server noted it. */
const reason = (entry: Entry) => rejected[entry.class] ?? entry.reason;

/** What a line has room for; the rest is seen when the row is opened. */
const changedShortly = (names: string[]) =>
  names.slice(0, SOME).join(', ') + (names.length > SOME ? words.andMore(names.length - SOME) : '');

/** The first sentence says what it was; what mends it is seen when the row is opened. */
const shortly = (text: string) => text.split(/(?<=\.) /)[0];

/** One line of the log, as `POST /Users 201`; it opens to the steps of the same change. */
export function Row({ entry, onUser }: { entry: Entry; onUser: (user: string) => void }) {
  const id = useId();
  const locale = useLocale();
  const [open, setOpen] = useState(false);
  const why = reason(entry);
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
        <span className={`kv-dir kv-${entry.direction}`}>{words.directions[entry.direction]}</span>
        <span className="kv-op">
          <code>{entry.operation}</code> <b className={good(entry) ? 'kv-ok-text' : 'kv-bad-text'}>{entry.status}</b>
        </span>
        <span className="kv-who">
          {entry.username ? (
            <bdi>{entry.username}</bdi>
          ) : (
            <code className="kv-quiet">{entry.user_id?.slice(0, 8)}</code>
          )}
        </span>
        <span className="kv-why">
          {outcome(entry)} {why ? shortly(why) : <span className="kv-quiet">{changedShortly(entry.changed)}</span>}
        </span>
      </button>
      {open && <Details id={id} entry={entry} onUser={onUser} />}
    </li>
  );
}

function Details({ id, entry, onUser }: { id: string; entry: Entry; onUser: (user: string) => void }) {
  const number = useNumber();
  const facts: [string, string | null | undefined][] = [
    [words.reason, reason(entry)],
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
        <Button look="quiet" onClick={() => onUser(entry.user_id ?? '')}>
          {words.onlyUser}
        </Button>
      )}
    </div>
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
      <ol className="kv-steps">
        {entries.map(entry => (
          <Fragment key={entry.id}>
            <li aria-current={entry.id === current ? 'step' : undefined}>
              <time dateTime={entry.at}>{clock(entry.at, locale, true)}</time> {words.directions[entry.direction]}{' '}
              <Step operation={entry.operation} result={entry.status} good={good(entry)} duration={entry.duration_ms}>
                {outcome(entry)}
              </Step>
            </li>
            {entry.realm_calls.map(({ operation, class: outcome, count, duration_ms }) => (
              <li key={operation + outcome} className="kv-call">
                {words.directions.realm}{' '}
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

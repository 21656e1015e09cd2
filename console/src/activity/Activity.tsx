import { useEffect, useState } from 'react';
import type { IdentitySync } from '../client';
import { createUser } from '../guide/IdpGuide';
import { common, label, outcomes, activity as words } from '../strings';
import { Alert } from '../ui/Alert';
import { Button } from '../ui/Button';
import { Code } from '../ui/Code';
import { Panel } from '../ui/Panel';
import { SelectField } from '../ui/SelectField';
import { TextField } from '../ui/TextField';
import { Row } from './Row';
import { type Entry, type Filter, useActivity } from './useActivity';

const NOTHING: Filter = { direction: '', class: '', user: '' };
const TYPING_MS = 350;

/** Both directions in one log, newest first; it can be stopped to be read. */
export function Activity({ sync }: { sync: IdentitySync }) {
  const [filter, setFilter] = useState(NOTHING);
  const [typed, setTyped] = useState('');
  const [paused, setPaused] = useState(false);
  const { entries, next, failed, line, more, again } = useActivity(filter, paused);
  useEffect(() => {
    const timer = setTimeout(
      () => setFilter(old => (old.user === typed ? old : { ...old, user: typed.trim() })),
      TYPING_MS,
    );
    return () => clearTimeout(timer);
  }, [typed]);
  const filtered = filter.direction || filter.class || filter.user;
  return (
    <Panel
      title={label.activity}
      aside={
        <div className="kv-actions">
          <span className="kv-room" data-room={words.lines.connecting}>
            {/* One takes the other's place: it is not the same word that moves. */}
            <span key={line} className={`kv-badge kv-line-${line}`}>
              {words.lines[line]}
            </span>
          </span>
          <Button onClick={() => setPaused(!paused)}>{paused ? label.resume : label.pause}</Button>
        </div>
      }
    >
      <div className="kv-columns kv-filter">
        <SelectField
          title={words.direction}
          value={filter.direction}
          choices={words.directions}
          onChange={value => setFilter({ ...filter, direction: value as Filter['direction'] })}
        />
        <SelectField
          title={words.outcome}
          value={filter.class}
          choices={outcomes}
          onChange={value => setFilter({ ...filter, class: value })}
        />
        <TextField
          title={words.user}
          placeholder={words.userHint}
          type="search"
          value={typed}
          onChange={event => setTyped(event.target.value)}
        />
      </div>
      {failed && (
        <Alert title={common.loadFailed} tone="warn">
          <Button onClick={again}>{common.tryAgain}</Button>
        </Alert>
      )}
      {!entries && !failed && <div className="kv-tall" />}
      {entries?.length === 0 && filtered && <p className="kv-quiet">{words.nothingFound}</p>}
      {entries?.length === 0 && !filtered && (
        <div className="kv-empty">
          <p className="kv-strong">{words.empty}</p>
          <p className="kv-quiet">{words.emptyHint}</p>
          <Code shown={createUser(sync.inbound.base_url)} />
        </div>
      )}
      {entries && entries.length > 0 && (
        <ol className="kv-log" aria-label={label.activity}>
          {entries.map((entry: Entry) => (
            <Row key={entry.id} entry={entry} onUser={setTyped} />
          ))}
        </ol>
      )}
      {next && (
        <div className="kv-actions">
          <Button onClick={more}>{common.more}</Button>
        </div>
      )}
    </Panel>
  );
}

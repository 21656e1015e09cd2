import { useEffect, useRef } from 'react';
import { useAction } from '../action';
import type { Schemas } from '../client';
import { useNumber, useShared } from '../context';
import { label, backfill as words } from '../strings';
import { Ago } from '../ui/Ago';
import { Alert } from '../ui/Alert';
import { Button } from '../ui/Button';
import { By } from '../ui/By';
import { Who } from '../ui/Who';

type Job = Schemas['Backfill'];

/** First a dry run with its counts, then the real one; nothing starts by itself. */
export function Backfill({ job }: { job?: Job | null }) {
  const { api, mayWrite, refresh } = useShared();
  const { busy, fault, run } = useAction();
  const go = (name: string, call: () => Promise<unknown>) =>
    run(
      name,
      async () => {
        await call();
        await refresh();
      },
      async () => {
        await refresh();
        return false;
      },
    );
  const steer = (to: 'pause' | 'resume' | 'cancel', words: string) => (
    <Button busy={busy === to} disabled={!!busy} onClick={() => go(to, () => api.steerBackfill(to))}>
      {words}
    </Button>
  );
  const live = job?.state === 'running' || job?.state === 'paused';
  const box = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    // Opened for what runs, and left as it is afterwards.
    if (live && box.current) box.current.open = true;
  }, [live]);
  const planned = job?.dry_run && job.state === 'done';
  return (
    <details className="kv-details" ref={box}>
      <summary>{label.backfill}</summary>
      <p className="kv-quiet">{words.intro}</p>
      {fault && <Alert title={fault.words} focus />}
      {job && <Progress job={job} />}
      {mayWrite && (
        <div className="kv-actions">
          {job?.state === 'running' && steer('pause', label.pause)}
          {job?.state === 'paused' && steer('resume', label.resume)}
          {live && steer('cancel', label.cancel)}
          {planned && (
            <Button
              look="primary"
              busy={busy === 'run'}
              disabled={!!busy}
              onClick={() => go('run', () => api.backfill(false))}
            >
              {label.runBackfill}
            </Button>
          )}
          {!live && (
            <Button busy={busy === 'dry'} disabled={!!busy} onClick={() => go('dry', () => api.backfill(true))}>
              {planned ? words.again : label.dryRun}
            </Button>
          )}
        </div>
      )}
    </details>
  );
}

function Progress({ job }: { job: Job }) {
  const number = useNumber();
  return (
    <div className="kv-job">
      <p>
        <span className="kv-strong">{job.dry_run ? words.dryTitle : words.realTitle}</span> {words.states[job.state]} ·{' '}
        {words.progress(number(job.seen), job.total ? number(job.total) : undefined)} ·{' '}
        <Ago at={job.ended_at ?? job.started_at} />
        <By who={job.started_by} />
      </p>
      {(job.state === 'running' || (job.state === 'paused' && job.total)) && (
        <progress aria-label={label.backfill} {...(job.total ? { max: job.total, value: job.seen } : {})} />
      )}
      <Counts of={job} />
      {job.groups && (
        <>
          <p>{words.groups(number(job.groups.seen), number(job.groups.total))}</p>
          <Counts of={job.groups} />
        </>
      )}
      {job.sample.length > 0 && (
        <>
          <p className="kv-hint">{words.sample}</p>
          <ul className="kv-sample">
            {job.sample.map(one => (
              <li key={one.user_id}>
                <span>
                  <Who name={one.username ?? one.user_id} />
                </span>{' '}
                <span className="kv-quiet">{words.actions[one.action]}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

/** What there is to do with users, or with groups. */
function Counts({ of }: { of: Pick<Job, 'create' | 'update' | 'in_step' | 'conflict'> }) {
  const number = useNumber();
  const counts = [
    [words.create, of.create],
    [words.update, of.update],
    [words.inStep, of.in_step],
    [words.conflict, of.conflict],
  ] as const;
  return (
    <dl className="kv-counts">
      {counts.map(([name, count]) => (
        <div key={name}>
          <dd>{number(count)}</dd>
          <dt>{name}</dt>
        </div>
      ))}
    </dl>
  );
}

import type { Schemas } from '../client';
import { useLocale, useNumber } from '../context';
import { sentence, health as words } from '../strings';
import { age, clock } from '../time';
import { Ago } from '../ui/Ago';

/** Until when the downstream asked to be left alone, if that has not passed. */
export const pausedUntil = ({ paused_until: until }: Schemas['OutboundPanel']) =>
  until && Date.parse(until) > Date.now() ? until : undefined;

/** One sentence on what goes on inside *Enabled*. */
export function HealthLine({ panel }: { panel: Schemas['OutboundPanel'] }) {
  const locale = useLocale();
  const number = useNumber();
  const { health } = panel;
  const waiting = words.waiting(number(health?.waiting ?? 0));
  if (panel.quarantined_at) {
    const code = panel.quarantine_code ?? 'other';
    const status = { unauthorized: '401', forbidden: '403', gone: '', other: '' }[code];
    const at = clock(panel.quarantined_at, locale);
    return (
      <div className="kv-note kv-warn">
        <div role="alert">
          <p className="kv-strong">{status ? words.quarantined(status, at) : words.held(at)}</p>
          {!status && code !== 'gone' && panel.quarantine_reason && <p>{sentence(panel.quarantine_reason)}</p>}
          <p>{code === 'gone' ? words.gone : words.quarantineFix}</p>
        </div>
        {/* Outside of the alert, which would be read again with every change of the number. */}
        <p>{waiting}</p>
      </div>
    );
  }
  const paused = pausedUntil(panel);
  const late = health && health.waiting > 0 && health.oldest_waiting_seconds > 60;
  return (
    <p className={`kv-health ${paused || late ? 'kv-warn-text' : ''}`}>
      {paused ? words.pausedUntil(clock(paused, locale)) : words.delivering} · {waiting}
      {late && ` (${words.oldest(age(health.oldest_waiting_seconds))})`} ·{' '}
      {health?.last_delivered_at ? (
        <>
          {words.last} <Ago at={health.last_delivered_at} />
        </>
      ) : (
        words.nothingYet
      )}
      {panel.backfill?.state === 'running' && !panel.backfill.dry_run && ` · ${words.backfill}`}
    </p>
  );
}

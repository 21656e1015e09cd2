import { common } from './strings';

/** An age in its largest whole unit, as in `12 s`. */
export function age(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} ${common.seconds}`;
  if (s < 3600) return `${Math.floor(s / 60)} ${common.minutes}`;
  if (s < 86400) return `${Math.floor(s / 3600)} ${common.hours}`;
  return `${Math.floor(s / 86400)} ${common.days}`;
}

export function ago(at: string, now: number): string {
  const seconds = (now - Date.parse(at)) / 1000;
  return seconds < 2 ? common.now : `${age(seconds)} ${common.ago}`;
}

/** The time of day; with the date when it is not today. */
export function clock(at: string, locale?: string, seconds = false): string {
  const date = new Date(at);
  const today = date.toDateString() === new Date().toDateString();
  return date.toLocaleString(locale, {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(seconds && { second: '2-digit' }),
    ...(!today && { month: 'short', day: 'numeric' }),
  });
}

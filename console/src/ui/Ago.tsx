import { useEffect, useState } from 'react';
import { useLocale } from '../context';
import { ago, clock } from '../time';

/** The clock the ages on the page are read from; ticks slower once nothing changes every second. */
export function useNow(at: string): number {
  const [now, setNow] = useState(Date.now);
  const young = now - Date.parse(at) < 60_000;
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), young ? 1000 : 20_000);
    return () => clearInterval(timer);
  }, [young]);
  // A time newer than the last tick would have a negative age.
  return Math.max(now, Date.parse(at));
}

export function Ago({ at }: { at: string }) {
  const now = useNow(at);
  return (
    <time dateTime={at} title={clock(at, useLocale(), true)}>
      {ago(at, now)}
    </time>
  );
}

import { useCallback, useEffect, useRef, useState } from 'react';
import type { Schemas } from '../client';
import { useShared } from '../context';
import { follow } from './stream';

export type Entry = Schemas['ActivityEntry'];
export interface Filter {
  direction: '' | Entry['direction'];
  class: string;
  user: string;
}
export type Line = 'connecting' | 'live' | 'paused';

const KEPT = 500;
const BURST_MS = 500;

const asked = (filter: Filter) => ({
  direction: filter.direction || undefined,
  class: filter.class || undefined,
  user: filter.user || undefined,
});

/** Newest first, each once: what the stream brought may be in the page that was fetched, too. */
function merge(a: Entry[], b: Entry[], kept = KEPT): Entry[] {
  const seen = new Map([...a, ...b].map(entry => [entry.id, entry]));
  return [...seen.values()].sort((x, y) => (x.at < y.at ? 1 : x.at > y.at ? -1 : 0)).slice(0, kept);
}

/** The recent entries under a filter: pages by cursor, and what happens meanwhile by the stream. */
export function useActivity(filter: Filter, paused: boolean) {
  const { api, refresh } = useShared();
  const [entries, setEntries] = useState<Entry[]>();
  const [next, setNext] = useState<string | null>();
  const [failed, setFailed] = useState(false);
  const [line, setLine] = useState<Line>('connecting');
  const { direction, class: outcome, user } = filter;

  const load = useCallback(
    async (cursor?: string) => {
      setFailed(false);
      try {
        const page = await api.activity({ ...asked({ direction, class: outcome, user }), cursor });
        return page;
      } catch {
        setFailed(true);
        return undefined;
      }
    },
    [api, direction, outcome, user],
  );

  const shown = useRef(entries);
  shown.current = entries;
  const first = useCallback(
    async (keep: boolean) => {
      const page = await load();
      if (!page) return;
      const known = new Set(keep ? shown.current?.map(entry => entry.id) : []);
      // More happened than a page holds: what is known would stand below a gap.
      const joins = !page.next || page.entries.some(entry => known.has(entry.id));
      setEntries(old => (keep && old && joins ? merge(page.entries, old) : page.entries));
      if (!keep || !joins) setNext(page.next);
    },
    [load],
  );

  useEffect(() => {
    let current = true;
    setEntries(undefined);
    load().then(page => {
      // An answer to an earlier filter comes too late.
      if (!current || !page) return;
      // What the stream brought meanwhile may have come too late for this page.
      setEntries(old => merge(page.entries, old ?? []));
      setNext(page.next);
    });
    return () => {
      current = false;
    };
  }, [load]);

  const catchUp = useRef(first);
  catchUp.current = first;
  const matches = useRef((_: Entry) => true as boolean);
  matches.current = entry =>
    (!direction || entry.direction === direction) &&
    (!outcome || outcome.split(',').includes(entry.class)) &&
    (!user || [entry.user_id, entry.username].some(known => known?.toLowerCase() === user.toLowerCase()));
  const person = useRef(user);
  person.current = user;

  useEffect(() => {
    if (paused) {
      setLine('paused');
      return;
    }
    setLine('connecting');
    const stop = new AbortController();
    let soon: ReturnType<typeof setTimeout> | undefined;
    follow(api.stream, stop.signal, {
      onOpen: () => {
        setLine('live');
        // What happened before the line was up, while it was down or while the log was held still, is in the first page.
        catchUp.current(true);
      },
      onEntry: entry => {
        if (matches.current(entry)) setEntries((old = []) => merge([entry], old, Math.max(KEPT, old.length)));
        // The panels show the last requests and the queue: one look for a burst of entries, as control sends them.
        soon ??= setTimeout(() => {
          soon = undefined;
          refresh();
          // Whose address it is the server alone knows.
          if (person.current) catchUp.current(true);
        }, BURST_MS);
      },
      onLost: () => setLine('connecting'),
    });
    return () => {
      stop.abort();
      clearTimeout(soon);
    };
  }, [api, paused, refresh]);

  const more = async () => {
    const page = await load(next ?? undefined);
    if (!page) return;
    setEntries(old => merge(old ?? [], page.entries, Number.POSITIVE_INFINITY));
    setNext(page.next);
  };
  return { entries, next, failed, line, more, again: () => first(false) };
}

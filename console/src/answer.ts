import { useCallback, useEffect, useRef, useState } from 'react';

interface State<T> {
  data?: T;
  error?: unknown;
  pending: boolean;
}

/**
 * What the server says, kept for as long as the component stands and asked again every so many milliseconds while the
 * page is in sight; until then, what is `known` already. The pages around the section use the query library; the section does without, as the library is a
 * tenth of the element's budget and its cache is one place more where a secret could come to lie.
 */
export function useAnswer<T>(ask: () => Promise<T>, every: (data: T | undefined) => number = () => 0, known?: T) {
  const [state, setState] = useState<State<T>>({ data: known, pending: true });
  const turn = useRef(0);
  const refetch = useCallback(async () => {
    turn.current++;
    const mine = turn.current;
    try {
      const data = await ask();
      // Only the question asked last counts: an earlier answer may show what was before a change.
      if (mine === turn.current) setState({ data, pending: false });
      return data;
    } catch (error) {
      if (mine === turn.current) setState(old => ({ data: old.data, error, pending: false }));
      throw error;
    }
  }, [ask]);

  useEffect(() => {
    refetch().catch(() => {});
  }, [refetch]);

  const ms = every(state.data);
  useEffect(() => {
    if (!ms) return;
    const look = () => {
      if (!document.hidden) refetch().catch(() => {});
    };
    const timer = setInterval(look, ms);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [ms, refetch]);

  return { ...state, refetch };
}

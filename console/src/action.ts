import { useCallback, useRef, useState } from 'react';
import { Fault } from './client';
import { SessionEnded } from './session';

/**
 * One button's call to the server: busy while it runs, its fault afterwards, never optimistic. Deliberately not a
 * mutation of the query library, which keeps variables and results in its cache: some of them are secrets.
 */
export function useAction() {
  const [busy, setBusy] = useState('');
  const [fault, setFault] = useState<Fault>();
  const running = useRef(false);

  const run = useCallback(async (name: string, call: () => Promise<unknown>, onFault?: (fault: Fault) => unknown) => {
    // A second press is dropped here: the busy state shows only after a render.
    if (running.current) return;
    running.current = true;
    setBusy(name);
    setFault(undefined);
    try {
      await call();
    } catch (reason) {
      // The section as a whole shows that the session has ended.
      if (reason instanceof SessionEnded) return;
      const known = reason instanceof Fault ? reason : new Fault('other', 500);
      if (!(await onFault?.(known))) setFault(known);
    } finally {
      running.current = false;
      setBusy('');
    }
  }, []);

  return { busy, fault, run, clear: useCallback(() => setFault(undefined), []) };
}

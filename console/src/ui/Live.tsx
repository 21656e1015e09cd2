import { useCallback, useState } from 'react';

/**
 * One polite live region for the section. The words before the last stay in it: what a second change says would otherwise take
 * the place of the first before it is read. Each is an element of its own, or the same words twice would not be read twice.
 */
export function useLive() {
  const [said, setSaid] = useState<[number, string][]>([]);
  const announce = useCallback((words: string) => {
    setSaid(old => [...old.slice(-1), [(old.at(-1)?.[0] ?? 0) + 1, words]]);
  }, []);
  const region = (
    <div className="kv-sr" role="status" aria-live="polite" aria-atomic={false}>
      {said.map(([turn, words]) => (
        <p key={turn}>{words}</p>
      ))}
    </div>
  );
  return { announce, region };
}

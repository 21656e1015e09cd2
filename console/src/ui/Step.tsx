import type { ReactNode } from 'react';
import { useNumber } from '../context';

interface Props {
  operation: string;
  /** Its status, or what came of it. */
  result?: ReactNode;
  good?: boolean;
  duration: number;
  children?: ReactNode;
}

/** One call: what was asked, what came of it, how long it took. Cells of a line in `kv-steps`. */
export function Step({ operation, result, good, duration, children }: Props) {
  const number = useNumber();
  return (
    <>
      <span className="kv-step">
        <code>{operation}</code>{' '}
        <b className={good === undefined ? undefined : `kv-${good ? 'ok' : 'bad'}-text`}>{result}</b> {children}
      </span>{' '}
      <span className="kv-quiet kv-ms">{number(duration)} ms</span>
    </>
  );
}

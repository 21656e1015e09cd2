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

/** One call in a line: what was asked, what came of it, how long it took. */
export function Step({ operation, result, good, duration, children }: Props) {
  const number = useNumber();
  return (
    <>
      <code>{operation}</code>{' '}
      <b className={good === undefined ? undefined : `kv-${good ? 'ok' : 'bad'}-text`}>{result}</b> {children}{' '}
      <span className="kv-quiet">{number(duration)} ms</span>
    </>
  );
}

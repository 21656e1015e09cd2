import { badge } from '../strings';

/** Two words only; what goes on inside *Enabled* is the health sentence's business. */
export function Badge({ status }: { status: 'enabled' | 'disabled' }) {
  return (
    <span className={`kv-badge ${status === 'enabled' ? 'kv-on' : ''}`} part="badge">
      {badge[status]}
    </span>
  );
}

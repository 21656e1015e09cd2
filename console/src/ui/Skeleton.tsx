import { common } from '../strings';

/** Panels of the heights the loaded ones have when both directions are off, so that nothing jumps. */
export function Skeleton() {
  return (
    <div role="status" aria-label={common.loading}>
      {['kv-h1', 'kv-h2', 'kv-h3'].map(height => (
        <div key={height} className={`kv-panel kv-skeleton ${height}`} />
      ))}
    </div>
  );
}

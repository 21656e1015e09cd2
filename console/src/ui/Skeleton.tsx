import { common, label } from '../strings';

const PANELS = [
  [label.inbound, 'kv-h1'],
  [label.outbound, 'kv-h2'],
  [label.activity, 'kv-h3'],
] as const;

/** The panels under their names, of the heights the loaded ones have when both directions are off: nothing jumps. */
export function Skeleton() {
  return (
    <div role="status" aria-label={common.loading} className="kv-section">
      {PANELS.map(([title, height]) => (
        <div key={title} className="kv-panel" aria-hidden="true">
          <header className="kv-title">{title}</header>
          <Waiting height={height} />
        </div>
      ))}
    </div>
  );
}

/** A place of which nothing is known yet but its height. */
export function Waiting({ height }: { height: string }) {
  return (
    <div className={`kv-body kv-skeleton ${height}`}>
      <i />
    </div>
  );
}

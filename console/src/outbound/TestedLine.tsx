import type { Schemas } from '../client';
import { outbound } from '../strings';

/** The probe's good news, with what the downstream cannot do. */
export function TestedLine({ probed }: { probed: Schemas['Probed'] }) {
  const notes = [
    outbound.works,
    !probed.supports_patch && outbound.noPatch,
    !probed.supports_filter && outbound.noFilter,
  ];
  return (
    <p role="status" className="kv-note kv-good">
      {notes.filter(Boolean).join(' ')}
    </p>
  );
}

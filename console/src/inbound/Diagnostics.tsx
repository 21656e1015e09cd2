import type { Schemas } from '../client';
import { diagnostics, inbound, label, refusal } from '../strings';

/** The four usual complaints, answered with what this tenant's requests say. */
export function Diagnostics({ panel }: { panel: Schemas['InboundPanel'] }) {
  const refused = panel.last_rejected && refusal(panel.last_rejected);
  return (
    <details className="kv-details">
      <summary>{label.diagnostics}</summary>
      <dl className="kv-answers">
        <dt>{diagnostics.unauthorized}</dt>
        <dd>
          {refused && <strong>{refused} </strong>}
          {diagnostics.unauthorizedFix}
        </dd>
        <dt>{diagnostics.absent}</dt>
        <dd>{panel.last_accepted ? diagnostics.absentFix : diagnostics.absentNever}</dd>
        <dt>{diagnostics.fields}</dt>
        <dd>{diagnostics.fieldsFix}</dd>
        <dt>{diagnostics.stays}</dt>
        <dd>{diagnostics.staysFix}</dd>
        <dt>{inbound.verifyTitle}</dt>
        <dd>{inbound.verify}</dd>
      </dl>
    </details>
  );
}

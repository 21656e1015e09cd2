import type { Schemas } from '../client';
import { useLocale } from '../context';
import { inbound, label, rejected } from '../strings';
import { clock } from '../time';
import { Ago } from '../ui/Ago';
import { By } from '../ui/By';

/** How long a contact is news; after that it stands among the facts alone. */
const CONTACT_MS = 600_000;

type Panel = Schemas['InboundPanel'];

/** The token's facts and the two last requests: what an admin looks at first when something is wrong. */
export function Requests({ panel }: { panel: Panel }) {
  const locale = useLocale();
  const { last_accepted: accepted, last_rejected: refused } = panel;
  return (
    <>
      <dl className="kv-facts">
        <div>
          <dt>{inbound.token}</dt>
          <dd>
            <code>…{panel.token_hint}</code>
          </dd>
        </div>
        {panel.token_issued_at && (
          <div>
            <dt>{inbound.issued}</dt>
            <dd>
              <Ago at={panel.token_issued_at} />
              <By who={panel.token_issued_by} />
            </dd>
          </div>
        )}
        {panel.token_expires_at && (
          <div>
            <dt>{inbound.expires}</dt>
            <dd>{clock(panel.token_expires_at, locale)}</dd>
          </div>
        )}
        <div>
          <dt>{label.lastAccepted}</dt>
          <dd>
            {accepted ? (
              <>
                <code>{accepted.operation}</code> <Ago at={accepted.at} />
              </>
            ) : (
              inbound.noRequest
            )}
          </dd>
        </div>
      </dl>
      {accepted?.client && Date.now() - Date.parse(accepted.at) < CONTACT_MS && (
        <p className="kv-ok-text">
          {inbound.reached(accepted.client)} <Ago at={accepted.at} />
        </p>
      )}
      {refused && <Refused refused={refused} current={!accepted || accepted.at < refused.at} />}
    </>
  );
}

/** Loud only while nothing has been accepted since. */
function Refused({ refused, current }: { refused: NonNullable<Panel['last_rejected']>; current: boolean }) {
  return (
    <div className={current ? 'kv-note kv-warn' : 'kv-quiet'}>
      <p>
        <span className="kv-strong">{label.lastRejected}</span> <code>{refused.operation}</code> <Ago at={refused.at} />
      </p>
      <p>{rejected[refused.class] ?? refused.reason}</p>
    </div>
  );
}

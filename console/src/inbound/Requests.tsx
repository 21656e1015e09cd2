import type { ReactNode } from 'react';
import type { Schemas } from '../client';
import { useLocale } from '../context';
import { firstSentence, inbound, label, refusal } from '../strings';
import { clock } from '../time';
import { Ago } from '../ui/Ago';
import { By } from '../ui/By';

type Panel = Schemas['InboundPanel'];
type Request = NonNullable<Panel['last_rejected']>;

/** The token's facts and the two last requests: what an admin looks at first when something is wrong. */
export function Requests({ panel }: { panel: Panel }) {
  const locale = useLocale();
  const { last_accepted: accepted, last_rejected: refused } = panel;
  // Loud only while nothing has been accepted since.
  const current = refused && (!accepted || accepted.at < refused.at);
  return (
    <>
      {accepted?.client && (
        <p className={`kv-health ${current ? 'kv-idle' : ''}`}>
          {inbound.reached(accepted.client)} <Ago at={accepted.at} />
        </p>
      )}
      {current && (
        <div className="kv-note kv-warn">
          <p>
            <span className="kv-strong">{label.lastRejected}</span> <Asked request={refused} />
          </p>
          <p>{refusal(refused)}</p>
        </div>
      )}
      <dl className="kv-facts">
        <Fact name={inbound.token}>
          <code>…{panel.token_hint}</code>
        </Fact>
        {panel.token_issued_at && (
          <Fact name={inbound.issued}>
            <Ago at={panel.token_issued_at} />
            <By who={panel.token_issued_by} />
          </Fact>
        )}
        {panel.token_expires_at && <Fact name={inbound.expires}>{clock(panel.token_expires_at, locale)}</Fact>}
        <Fact name={label.lastAccepted}>{accepted ? <Asked request={accepted} /> : inbound.noRequest}</Fact>
        {refused && !current && (
          <Fact name={label.lastRejected}>
            <Asked request={refused} />
            <p className="kv-hint">{firstSentence(refusal(refused))}</p>
          </Fact>
        )}
      </dl>
    </>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Asked({ request }: { request: Pick<Request, 'operation' | 'at'> }) {
  return (
    <>
      <code>{request.operation}</code> <Ago at={request.at} />
    </>
  );
}

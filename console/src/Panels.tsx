import { useId } from 'react';
import { Activity } from './activity/Activity';
import type { IdentitySync } from './client';
import { Inbound } from './inbound/Inbound';
import { Outbound } from './outbound/Outbound';
import type { Prefill } from './props';

/** The two panels and the log, once there is something to show. */
export function Panels({ sync, prefill }: { sync: IdentitySync; prefill?: Prefill }) {
  const inboundId = useId();
  return (
    <>
      <div id={inboundId}>
        <Inbound sync={sync} />
      </div>
      <Outbound sync={sync} prefill={prefill} inboundId={inboundId} />
      <Activity sync={sync} />
    </>
  );
}

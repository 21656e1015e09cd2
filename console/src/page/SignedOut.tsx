import { page } from '../strings';
import { Shell } from './Shell';

/** Calm, and says how to get back in. */
export function SignedOut({ state, demo }: { state: 'signing-in' | 'code-failed' | 'ended'; demo: boolean }) {
  if (state === 'signing-in') {
    return (
      <Shell>
        <p className="kv-quiet" role="status">
          {page.signingIn}
        </p>
      </Shell>
    );
  }
  return (
    <Shell>
      <div className="kv-panel kv-body kv-calm">
        <h1>{state === 'ended' ? page.signedOut : page.codeFailed}</h1>
        <p>{page.endedText}</p>
        {demo && <p className="kv-quiet">{page.demoText}</p>}
      </div>
    </Shell>
  );
}

import { page } from '../strings';
import { Shell } from './Shell';

export type SignedOutState = 'signing-in' | 'none' | 'code-failed' | 'ended';

const TITLES = { none: page.signedOut, 'code-failed': page.codeFailed, ended: page.endedTitle };

/** Calm, and says how to get back in. */
export function SignedOut({ state, demo }: { state: SignedOutState; demo?: boolean }) {
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
    <Shell instead={state === 'ended'}>
      <div className="kv-panel kv-body kv-calm">
        {/* One-time links are the demo's: elsewhere another console shows the panels, and signs people in. */}
        <h1>{demo === false ? page.noSignIn : TITLES[state]}</h1>
        <p>{demo === false ? page.noSignInText : page.endedText}</p>
        {demo && <p className="kv-quiet">{page.demoText}</p>}
      </div>
    </Shell>
  );
}

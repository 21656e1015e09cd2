import { useEffect, useId, useState } from 'react';
import { inbound, label } from '../strings';
import { Button } from '../ui/Button';
import { Code } from '../ui/Code';
import { CopyField } from '../ui/CopyField';
import { masked } from './mask';

const HIDDEN_LIMIT_MS = 5 * 60_000;

/** Calls back when the page was out of sight for more than five minutes. */
function useHiddenLimit(onLimit: () => void) {
  useEffect(() => {
    let since = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const change = () => {
      clearTimeout(timer);
      if (document.hidden) {
        since = Date.now();
        timer = setTimeout(onLimit, HIDDEN_LIMIT_MS);
      } else if (since && Date.now() - since > HIDDEN_LIMIT_MS) {
        // Browsers slow down or stop the timers of hidden pages.
        onLimit();
      }
    };
    // The answer may come to a page that is out of sight already.
    change();
    document.addEventListener('visibilitychange', change);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', change);
    };
  }, [onLimit]);
}

interface Props {
  token: string;
  baseUrl: string;
  onDone: () => void;
  onHiddenTooLong: () => void;
}

export function Reveal({ token, baseUrl, onDone, onHiddenTooLong }: Props) {
  const id = useId();
  const [shown, setShown] = useState(false);
  const [copied, setCopied] = useState(false);
  const [asking, setAsking] = useState<boolean>();
  useHiddenLimit(onHiddenTooLong);
  const text = shown ? token : masked(token);
  const check = (secret: string) => `curl -i -H "Authorization: Bearer ${secret}" "${baseUrl}/ServiceProviderConfig"`;
  const rest = { onCopied: () => setCopied(true), onManual: () => setShown(true) };
  return (
    <div role="group" aria-labelledby={id} className="kv-note kv-warn kv-reveal" part="reveal">
      <h4 id={id}>{inbound.revealTitle}</h4>
      <p>{inbound.revealAdvice}</p>
      <CopyField
        title={inbound.tokenPlain}
        value={token}
        shown={text}
        copyLabel={label.copyToken}
        look="primary"
        autoFocus
        aside={
          <Button aria-pressed={shown} onClick={() => setShown(!shown)}>
            {shown ? label.hide : label.show}
          </Button>
        }
        {...rest}
      />
      <CopyField
        title={inbound.tokenPrefixed}
        value={`Bearer ${token}`}
        shown={`Bearer ${text}`}
        copyLabel={label.copyForOkta}
        {...rest}
      />
      <p className="kv-hint">{inbound.testHint}</p>
      <Code shown={check(text)} text={check(token)} />
      <div className="kv-spread">
        <p className="kv-hint">{inbound.revealRecovery}</p>
        {!asking && (
          <Button autoFocus={asking === false} onClick={() => (copied ? onDone() : setAsking(true))}>
            {label.done}
          </Button>
        )}
      </div>
      {asking && (
        <div role="alert" className="kv-spread">
          <p className="kv-strong">{inbound.notCopied}</p>
          <div className="kv-actions">
            {/* The question replaces the button that was pressed. */}
            <Button autoFocus onClick={() => setAsking(false)}>
              {inbound.keepOpen}
            </Button>
            <Button look="danger" onClick={onDone}>
              {inbound.closeAnyway}
            </Button>
          </div>
        </div>
      )}
    </div>
  );
}

import { common, guide } from '../strings';
import { Button } from './Button';
import { manual, useCopy } from './CopyField';

/** A command with a copy button; `text` is what is copied. */
export function Code({ shown, text = shown }: { shown: string; text?: string }) {
  const { state, copy } = useCopy();
  return (
    <div className="kv-code">
      {/* Wide commands scroll, and what scrolls must be reachable by keyboard. */}
      <pre tabIndex={0}>
        <code>{shown}</code>
      </pre>
      <Button look="quiet" aria-label={state ? undefined : guide.copyCode} onClick={() => copy(text, () => {})}>
        {state === 'copied' ? common.copied : common.copy}
      </Button>
      {state === 'failed' && <p className="kv-hint kv-warn-text">{manual()}</p>}
    </div>
  );
}

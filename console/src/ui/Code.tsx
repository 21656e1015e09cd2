import { useRef, useState } from 'react';
import { common, guide } from '../strings';
import { Button } from './Button';
import { manual, useCopy } from './CopyField';

interface Props {
  shown: string;
  /** What is copied, where that is more. */
  text?: string;
}

/** A command with a copy button. Where copying has to be done by hand, all of it is in sight until the focus leaves. */
export function Code({ shown, text = shown }: Props) {
  const [whole, setWhole] = useState(false);
  const seen = whole ? text : shown;
  const pre = useRef<HTMLPreElement>(null);
  const select = () => {
    pre.current?.focus();
    if (pre.current) getSelection()?.selectAllChildren(pre.current);
  };
  const { state, copy } = useCopy(text, seen, select, () => setWhole(true));
  return (
    <div className="kv-code">
      {/* Wide commands scroll, and what scrolls must be reachable by keyboard. */}
      <pre tabIndex={0} ref={pre} onBlur={() => setWhole(false)}>
        <code>
          {/* A word goes to the next line as a whole: an address is not broken at its first hyphen. */}
          {seen.split(/(?<= )/).map((word, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: words have no identity but their place
            <span key={at}>{word}</span>
          ))}
        </code>
      </pre>
      <Button look="quiet" aria-label={state ? undefined : guide.copyCode} onClick={copy}>
        {state === 'copied' ? common.copied : common.copy}
      </Button>
      {state === 'failed' && <p className="kv-hint kv-warn-text">{manual()}</p>}
    </div>
  );
}

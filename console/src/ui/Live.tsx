import { useCallback, useRef, useState } from 'react';

/** One polite live region for the section. The same words twice in a row are made different, or they would not be read. */
export function useLive() {
  const [text, setText] = useState('');
  const flip = useRef(false);
  const announce = useCallback((words: string) => {
    flip.current = !flip.current;
    setText(words + (flip.current ? '\u00a0' : ''));
  }, []);
  const region = (
    <div className="kv-sr" role="status" aria-live="polite">
      {text}
    </div>
  );
  return { announce, region };
}

import { type KeyboardEvent, type ReactNode, useId, useState } from 'react';

interface Props<K extends string> {
  title: string;
  tabs: Record<K, string>;
  children: (tab: K) => ReactNode;
}

/** Tabs after the ARIA pattern: one tab stop, arrows and Home/End move and select. */
export function Tabs<K extends string>({ title, tabs, children }: Props<K>) {
  const id = useId();
  const keys = Object.keys(tabs) as K[];
  const [current, setCurrent] = useState(keys[0] as K);
  const move = (event: KeyboardEvent) => {
    const at = keys.indexOf(current);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
    const key = to === undefined ? undefined : keys.at(to % keys.length);
    if (!key) return;
    event.preventDefault();
    setCurrent(key);
    (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-tab="${key}"]`)?.focus();
  };
  return (
    <div>
      <div role="tablist" aria-label={title} className="kv-tabs" onKeyDown={move}>
        {keys.map(key => (
          <button
            key={key}
            type="button"
            role="tab"
            data-tab={key}
            id={`${id}-${key}`}
            aria-selected={key === current}
            aria-controls={`${id}-panel`}
            tabIndex={key === current ? 0 : -1}
            onClick={() => setCurrent(key)}
          >
            {tabs[key]}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${current}`} className="kv-tabpanel">
        {children(current)}
      </div>
    </div>
  );
}

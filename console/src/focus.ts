import { type RefObject, useEffect } from 'react';

/** Where an element stood: as which of whose children. */
type Place = [parent: Element, at: number];

/** A key pressed a moment too late may do no more than can be taken back. */
const HARMLESS = 'button:not(:disabled, .kv-primary, .kv-danger)';

function places(element: Element | null, top: Element): Place[] {
  const parent = element !== top && element?.parentElement;
  return element && parent ? [[parent, [...parent.children].indexOf(element)], ...places(parent, top)] : [];
}

/** The place nearest to one that is gone: what does the next row's work, or the same group's; else what it stood under. */
function nearest([parent, at]: Place): HTMLElement | null | undefined {
  const next = parent.matches('ul, ol')
    ? (parent.children[at] ?? parent.lastElementChild)
    : parent.closest('.kv-actions');
  return (
    next?.querySelector<HTMLElement>(HARMLESS) ??
    parent.closest('details, section, .kv-section')?.querySelector<HTMLElement>('summary, h2, h3')
  );
}

/**
 * Keeps the focus from falling to the page's body when what had it goes away, or is switched off, under the user's hands: a
 * button whose work is done, a row somebody else has dealt with. A button that was busy gets it back.
 */
export function useKeptFocus(top: RefObject<HTMLElement | null>) {
  useEffect(() => {
    const within = top.current;
    if (!within) return;
    let last: HTMLElement | undefined;
    let stood: Place[] = [];
    // What has the focus only until a button in its place can be pressed.
    let lent: HTMLElement | undefined;
    const nowhere = () => document.activeElement === document.body || lent?.matches(':focus');
    const note = ({ target }: Event) => {
      if (target === lent) return;
      lent = undefined;
      last = target as HTMLElement;
      stood = places(last, within);
    };
    // Who presses beside everything has put the focus down by themselves.
    const put = () => {
      if (nowhere()) last = undefined;
    };
    const mend = () => {
      if (!last || !nowhere()) return;
      const off = last.matches(':disabled');
      if (last.isConnected && (!off || last.matches('[aria-busy]'))) return off || last.focus();
      const place = stood.find(([parent]) => parent.isConnected);
      const next = (place && nearest(place)) ?? within;
      lent = next.matches('button') ? undefined : next;
      next.focus();
    };
    const observer = new MutationObserver(mend);
    observer.observe(within, { subtree: true, childList: true, attributeFilter: ['disabled'] });
    within.addEventListener('focusin', note);
    document.addEventListener('click', put, true);
    return () => {
      observer.disconnect();
      within.removeEventListener('focusin', note);
      document.removeEventListener('click', put, true);
    };
  }, [top]);
}

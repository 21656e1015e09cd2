import { type ComponentProps, useSyncExternalStore } from 'react';

const BASE = '/console/';
const MOVED = 'kevra:moved';

export type Place = { at: 'list' } | { at: 'tenant' | 'people'; slug: string };

export function place(path: string): Place {
  const match = /^\/console\/tenants\/([^/]+)(\/people)?\/?$/.exec(path);
  if (!match?.[1]) return { at: 'list' };
  return { at: match[2] ? 'people' : 'tenant', slug: decodeURIComponent(match[1]) };
}

export const paths = {
  list: BASE,
  tenant: (slug: string) => `${BASE}tenants/${encodeURIComponent(slug)}`,
  people: (slug: string) => `${BASE}tenants/${encodeURIComponent(slug)}/people`,
};

let moved = false;

/** Whether the page was reached by a link of ours, so that the focus has to be placed by hand. */
export const cameByLink = () => moved;

export function go(path: string, replace = false): void {
  moved = true;
  history[replace ? 'replaceState' : 'pushState'](null, '', path);
  dispatchEvent(new Event(MOVED));
}

function subscribe(changed: () => void): () => void {
  for (const name of ['popstate', MOVED]) addEventListener(name, changed);
  return () => {
    for (const name of ['popstate', MOVED]) removeEventListener(name, changed);
  };
}

export const useUrl = () => useSyncExternalStore(subscribe, () => location.pathname + location.search);

/** Moves without a reload, which would forget the session; new tabs and windows stay the browser's business. */
export function Link({ href, ...rest }: ComponentProps<'a'> & { href: string }) {
  return (
    <a
      {...rest}
      href={href}
      onClick={event => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
        event.preventDefault();
        go(href);
        scrollTo(0, 0);
      }}
    />
  );
}

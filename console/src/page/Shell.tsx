import { type ReactNode, useEffect, useRef } from 'react';
import { useKeptFocus } from '../focus';
import { page } from '../strings';
import { cameByLink, Link, paths } from './router';

export type Crumb = [name: string, href?: string];

interface Props {
  crumbs?: Crumb[];
  /** It takes the place of another page by itself. */
  instead?: boolean;
  children: ReactNode;
}

/** The bar with the breadcrumb, and the page's one main part. */
export function Shell({ crumbs = [], instead = false, children }: Props) {
  const main = useRef<HTMLElement>(null);
  useKeptFocus(main);
  useEffect(() => {
    // The link that was followed is gone, or all of the page, and the focus with it.
    if (instead || cameByLink()) main.current?.focus({ preventScroll: true });
  }, [instead]);
  return (
    <>
      <header className="kv-bar">
        <Link href={paths.list} className="kv-brand">
          {page.brand}
        </Link>
        {crumbs.length > 0 && (
          <nav aria-label={page.breadcrumb}>
            <ol>
              {crumbs.map(([name, href], at) => (
                <li key={name}>
                  {at > 0 && <span aria-hidden="true"> / </span>}
                  {href ? (
                    <Link href={href} dir="auto">
                      {name}
                    </Link>
                  ) : (
                    <span aria-current="page" dir="auto">
                      {name}
                    </span>
                  )}
                </li>
              ))}
            </ol>
          </nav>
        )}
      </header>
      <main id="main" tabIndex={-1} ref={main}>
        {children}
      </main>
    </>
  );
}

export const deployments: Crumb = [page.deployments, paths.list];

import { type ReactNode, useEffect, useRef } from 'react';
import { page } from '../strings';
import { cameByLink, Link, paths } from './router';

export type Crumb = [name: string, href?: string];

/** The bar with the breadcrumb, and the page's one main part. */
export function Shell({ crumbs = [], children }: { crumbs?: Crumb[]; children: ReactNode }) {
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    // The link that was followed is gone, and the focus with it.
    if (cameByLink()) main.current?.focus({ preventScroll: true });
  }, []);
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

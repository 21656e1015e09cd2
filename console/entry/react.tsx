import { lazy, useLayoutEffect } from 'react';
import { type IdentitySyncProps, IdentitySync as Section } from '../src/IdentitySync';
import { adoptStyles } from '../src/sheet';

export interface Props extends Omit<IdentitySyncProps, 'children' | 'panels'> {
  theme?: 'light' | 'dark';
}

// The host pays at its start for the frame only.
const Panels = lazy(() => import('../src/Panels'));

/** The section for a console that brings its own React. */
export function IdentitySync({ theme, ...rest }: Props) {
  useLayoutEffect(() => adoptStyles(document), []);
  return (
    <div className="kv kv-light" data-theme={theme ?? ''}>
      <Section {...rest} panels={Panels} />
    </div>
  );
}

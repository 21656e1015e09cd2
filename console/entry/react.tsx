import { type ReactElement, useLayoutEffect } from 'react';
import { IdentitySync as Section } from '../src/IdentitySync';
import type { IdentitySyncProps } from '../src/props';
import { adoptStyles } from '../src/sheet';

export interface Props extends IdentitySyncProps {
  theme?: 'light' | 'dark';
}

/** The section for a console that brings its own React. */
export function IdentitySync({ theme, ...rest }: Props): ReactElement {
  useLayoutEffect(() => adoptStyles(document), []);
  return (
    <div className="kv kv-light" data-theme={theme ?? ''}>
      <Section {...rest} />
    </div>
  );
}

import { useLayoutEffect } from 'react';
import { type IdentitySyncProps, IdentitySync as Section } from '../src/IdentitySync';
import { adoptStyles } from '../src/sheet';

export interface Props extends Omit<IdentitySyncProps, 'children'> {
  theme?: 'light' | 'dark';
}

/** The section for a console that brings its own React. */
export function IdentitySync({ theme, ...rest }: Props) {
  useLayoutEffect(() => adoptStyles(document), []);
  return (
    <div className="kv kv-light" data-theme={theme ?? ''}>
      <Section {...rest} />
    </div>
  );
}

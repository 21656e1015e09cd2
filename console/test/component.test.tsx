import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IdentitySync } from '@kevra/identity-sync-panel';
import { render, screen, within } from '@testing-library/react';
import { version } from 'react';
import { expect, it } from 'vitest';
import { operator } from '../e2e/world.mjs';
import './setup';

// The component as it is built, in a host that brings its own React. Needs the build.
it(`the built component runs on its host’s React ${version}, and styles by a constructed sheet`, async () => {
  render(<IdentitySync tenant="globex" theme="dark" getToken={async () => operator()} />);
  const inbound = within(await screen.findByRole('region', { name: 'Inbound SCIM' }));
  expect(inbound.getByLabelText('SCIM base URL')).toHaveValue('https://login.globex.example/realms/globex/scim/v2');
  expect(document.adoptedStyleSheets).toHaveLength(1);
  expect(document.querySelector('style')).toBeNull();
});

it('the package manager of a host on another React says so, and brings nothing that is built in', () => {
  const { dependencies, peerDependencies } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'),
  );
  expect(peerDependencies).toEqual({ react: `^${version.split('.')[0]}.0.0` });
  expect(dependencies).toBeUndefined();
});

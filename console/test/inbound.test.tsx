import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { inbound, label } from '../src/strings';
import { button, panel, reveal, section } from './harness';
import { world } from './setup';

describe('the inbound panel', () => {
  it('row 8: offers Enable inbound SCIM while it is disabled', async () => {
    await section('acme');
    expect(button('Enable inbound SCIM')).toBeEnabled();
    expect(panel('inbound').queryByRole('button', { name: label.rotate })).toBeNull();
  });

  it('row 9: reveals the token after enabling and after rotating', async () => {
    const { user } = await section('acme');
    const first = await reveal(user);
    expect(first).toMatch(/^kvs_/);
    await user.click(button(label.rotate));
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: label.rotate }));
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    await user.click(button(label.show));
    const second = screen.getByLabelText<HTMLTextAreaElement>(/token alone/i).value;
    expect(second).toMatch(/^kvs_/);
    expect(second).not.toBe(first);
  });

  it('row 10: says copy it now, store it in the IdP and in a password manager', async () => {
    const { user } = await section('acme');
    await reveal(user);
    expect(screen.getByText(/copy it now and store it in your idp and in a password manager/i)).toBeVisible();
  });

  it('row 11: says that it will not be shown again', async () => {
    const { user } = await section('acme');
    await reveal(user);
    expect(screen.getByText(/it will not be shown again/i)).toBeVisible();
  });

  it('row 12: says how to recover a lost token', async () => {
    const { user } = await section('acme');
    await reveal(user);
    expect(
      screen.getByText(/lost it\? rotate token makes a new one; the previous one stops working immediately/i),
    ).toBeVisible();
  });

  it('row 13: the SCIM base URL stands above Rotate token and Disable', async () => {
    await section('globex');
    const url = screen.getByLabelText('SCIM base URL');
    for (const name of [label.rotate, label.disable]) {
      const other = panel('inbound').getByRole('button', { name });
      expect(url.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING).toBeTruthy();
    }
  });

  it('row 14: shows the URL of the custom domain', async () => {
    await section('globex');
    expect(screen.getByLabelText('SCIM base URL')).toHaveValue('https://login.globex.example/realms/globex/scim/v2');
  });

  it('row 15: without one, shows the URL of the tenant record as it is, never built here', async () => {
    world.of('acme').sync.inbound.base_url = 'https://identity-7.kevra.app/realms/other-realm/scim/v2';
    const { user } = await section('acme');
    await reveal(user);
    expect(screen.getByLabelText('SCIM base URL')).toHaveValue(
      'https://identity-7.kevra.app/realms/other-realm/scim/v2',
    );
  });

  it('row 16: copies the base URL and the token', async () => {
    const { user } = await section('acme');
    const token = await reveal(user);
    await user.click(button('Copy SCIM base URL'));
    expect(await navigator.clipboard.readText()).toBe('https://identity-0.kevra.app/realms/acme/scim/v2');
    await user.click(button(label.copyToken));
    expect(await navigator.clipboard.readText()).toBe(token);
  });

  it('row 17: the badge becomes Enabled', async () => {
    const { user } = await section('acme');
    expect(panel('inbound').getByText('Disabled')).toBeVisible();
    await reveal(user);
    expect(await panel('inbound').findByText('Enabled')).toBeVisible();
  });

  it('row 18: offers Rotate token once enabled', async () => {
    await section('globex');
    expect(button('Rotate token')).toBeEnabled();
  });

  it('row 19: rotating asks; cancel leaves the old token valid', async () => {
    const { user } = await section('globex');
    await user.click(button(label.rotate));
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: label.cancel }));
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(world.calls.some(call => call.path.endsWith('/rotate'))).toBe(false);
    await user.click(button(label.rotate));
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: label.rotate }));
    expect(await screen.findByRole('group', { name: inbound.revealTitle })).toBeVisible();
    expect(world.calls.find(call => call.path.endsWith('/rotate'))?.ifMatch).toBe('"1"');
  });

  it('row 21: Cancel, or Esc, leaves it enabled, without a call', async () => {
    const { user } = await section('globex');
    const disable = panel('inbound').getByRole('button', { name: label.disable });
    await user.click(disable);
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: label.cancel }));
    expect(screen.queryByRole('dialog')).toBeNull();
    await user.click(disable);
    fireEvent(screen.getByRole('dialog'), new Event('cancel', { cancelable: true }));
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(panel('inbound').getByText('Enabled')).toBeVisible();
    expect(world.calls.filter(call => call.path.endsWith('/disable'))).toEqual([]);
  });

  it('row 20: the dialog says what rotating means', async () => {
    const { user } = await section('globex');
    await user.click(button(label.rotate));
    expect(screen.getByRole('dialog')).toHaveAccessibleDescription(
      /previous token stops working immediately.*before its next provisioning cycle/i,
    );
  });

  it('row 21: Disable asks for a confirmation, then the realm stops accepting requests', async () => {
    const { user } = await section('globex');
    await user.click(panel('inbound').getByRole('button', { name: 'Disable' }));
    const dialog = within(screen.getByRole('dialog'));
    expect(dialog.getByText(/stops accepting scim requests/i)).toBeVisible();
    await user.click(dialog.getByRole('button', { name: 'Disable' }));
    expect(await panel('inbound').findByText('Disabled')).toBeVisible();
    expect(world.of('globex').sync.inbound.status).toBe('disabled');
  });

  it('row 22: once disabled it says both: 401 on every push, and the old token stays dead', async () => {
    const { user } = await section('globex');
    await user.click(panel('inbound').getByRole('button', { name: label.disable }));
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: label.disable }));
    const text = await screen.findByText(inbound.offAgain);
    expect(text).toHaveTextContent(/401 on every push until inbound is enabled again/);
    expect(text).toHaveTextContent(/issues a new token; the old one stays dead/);
  });

  it('row 23: for Okta and Google, the word Bearer, one space, the token', async () => {
    const { user } = await section('acme');
    const token = await reveal(user);
    await user.click(button(label.copyForOkta));
    expect(await navigator.clipboard.readText()).toBe(`Bearer ${token}`);
    await user.click(screen.getByText(label.setUp));
    const masked = new RegExp(`Bearer ${token.slice(0, 10)}…+${token.slice(-4)}`);
    for (const tab of ['Okta', 'Google Workspace']) {
      await user.click(screen.getByRole('tab', { name: tab }));
      expect(within(screen.getByRole('tabpanel')).getAllByText(masked).length).toBeGreaterThan(0);
    }
  });

  it('row 24: for Entra ID, the token alone', async () => {
    const { user } = await section('acme');
    await reveal(user);
    await user.click(screen.getByText(label.setUp));
    await user.click(screen.getByRole('tab', { name: 'Entra ID' }));
    const steps = screen.getByRole('tabpanel');
    expect(steps).toHaveTextContent(/token alone/);
    expect(steps).not.toHaveTextContent(/Bearer kvs_/);
  });

  it('row 25: the unique identifier field for users is userName', async () => {
    const { user } = await section('globex');
    await user.click(screen.getByText(label.setUp));
    expect(screen.getByRole('tabpanel')).toHaveTextContent('Unique identifier field for users: userName');
  });

  it('row 26: the steps of each IdP, with this tenant’s values', async () => {
    const { user } = await section('globex');
    await user.click(screen.getByText(label.setUp));
    const words: Record<string, string[]> = {
      Okta: [
        'SCIM 2.0 Test App (Header Auth)',
        'Push New Users',
        'Push Profile Updates',
        'Push User Deactivation',
        'HTTP Header',
        'Test Connector Configuration',
        'all checks are green',
      ],
      'Entra ID': [
        'Tenant URL',
        'Secret Token',
        'Test Connection',
        'success banner',
        'Sync only assigned users and groups',
        'about 40 minutes',
        'Provision on demand',
      ],
      'Google Workspace': ['connector or workflow tool'],
      curl: ['/ServiceProviderConfig'],
    };
    for (const [tab, expected] of Object.entries(words)) {
      await user.click(screen.getByRole('tab', { name: tab }));
      const steps = screen.getByRole('tabpanel');
      for (const word of [...expected, 'https://login.globex.example/realms/globex/scim/v2']) {
        expect(steps).toHaveTextContent(word);
      }
    }
  });

  it('row 27: says where to verify', async () => {
    await section('globex');
    expect(screen.getByText(inbound.verify)).toHaveTextContent(
      /Admin Console → Users.*email, firstName and lastName.*Role mappings.*scim-managed.*shown as disabled/,
    );
  });

  it('row 28: answers the four usual complaints from the tenant’s own requests', async () => {
    await section('globex');
    const answers = screen.getByText(label.diagnostics).closest('details');
    expect(answers).toHaveTextContent(/401.*No “Bearer” before the token/);
    expect(answers).toHaveTextContent(/Users do not appear.*Requests arrive/);
    expect(answers).toHaveTextContent(/Fields are missing/);
    expect(answers).toHaveTextContent(/Deactivated users stay enabled/);
  });

  it('shows the last accepted and the last rejected request, with the reason', async () => {
    await section('globex');
    expect(screen.getByText(/Okta reached this endpoint/)).toHaveTextContent(/\d+ s ago/);
    expect(screen.getByText(label.lastAccepted).parentElement).toHaveTextContent('POST /Users');
    expect(screen.getByText(label.lastRejected).closest('div')).toHaveTextContent(/GET \/Users.*No “Bearer”/);
  });

  it('says when the token of the last rejected request was rotated, as only the server knows', async () => {
    world.of('globex').sync.inbound.last_rejected = {
      at: new Date().toISOString(),
      operation: 'GET /Users',
      class: 'rotated',
      reason: 'a token that was rotated at 2026-11-29 09:41:00 UTC',
    };
    await section('globex');
    expect(screen.getByText(label.lastRejected).closest('.kv-note')).toHaveTextContent(
      'A token that was rotated at 2026-11-29 09:41:00 UTC. Put the new token into your IdP.',
    );
    expect(screen.getByText(label.diagnostics).closest('details')).toHaveTextContent(/rotated at 2026-11-29 09:41:00/);
  });

  it('shows how far the import of the realm’s users is', async () => {
    await section('initech');
    expect(screen.getByText(/Importing the realm’s users: 1,240/)).toBeVisible();
  });

  it('keeps the masked middle out of the page until Show is pressed', async () => {
    const { user, container } = await section('acme');
    const token = await reveal(user);
    expect(container.innerHTML).not.toContain(token);
    const fields = [...container.querySelectorAll('textarea')].map(field => field.value);
    expect(fields.some(value => value.includes(token))).toBe(false);
  });

  it('saves the tenant’s options and shows the field that is refused', async () => {
    const { user } = await section('globex');
    await user.click(panel('inbound').getByText(label.advanced));
    await user.selectOptions(screen.getByLabelText('IdP dialect'), 'entra');
    await user.type(screen.getByLabelText('Requests per second'), '5');
    await user.click(panel('inbound').getByRole('button', { name: 'Save' }));
    await waitFor(() => expect(screen.getByLabelText('Requests per second')).toBeInvalid());
    await user.clear(screen.getByLabelText('Requests per second'));
    await user.click(panel('inbound').getByRole('button', { name: 'Save' }));
    await screen.findByText('Saved.', { selector: '.kv-ok-text' });
    expect(world.of('globex').sync.inbound.options).toMatchObject({ idp_profile: 'entra', requests_per_second: null });
  });

  it('a new page never learns the token again', async () => {
    const { user, unmount } = await section('acme');
    const token = await reveal(user);
    unmount();
    const { container } = await section('acme');
    expect(container.innerHTML).toContain(`…${token.slice(-4)}`);
    expect(container.innerHTML).not.toContain(token);
    expect(screen.queryByRole('group', { name: inbound.revealTitle })).toBeNull();
  });
});

import { screen, waitFor, within } from '@testing-library/react';
import type { UserEvent } from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';
import { off } from '../e2e/scenarios.mjs';
import { operator } from '../e2e/world.mjs';
import { IdentitySync } from '../src/IdentitySync';
import { held, label, outbound, parked } from '../src/strings';
import { button, once, panel, refuse, section } from './harness';
import { world } from './setup';

async function submit(user: UserEvent, url: string, token = 'abc', press: string = label.enableOutbound) {
  await user.clear(screen.getByLabelText(label.downstreamUrl));
  await user.type(screen.getByLabelText(label.downstreamUrl), url);
  await user.clear(screen.getByLabelText(label.downstreamToken));
  await user.type(screen.getByLabelText(label.downstreamToken), token);
  await user.click(button(press));
}

const save = () => panel('outbound').getByRole('button', { name: 'Save' });
const failure = () => panel('outbound').findByRole('alert');

describe('the outbound panel', () => {
  it('row 29: asks for the Downstream SCIM base URL', async () => {
    await section('acme');
    expect(screen.getByLabelText('Downstream SCIM base URL')).toHaveAttribute(
      'placeholder',
      'https://downstream.example.com/scim/v2',
    );
    expect(screen.getByLabelText('Downstream SCIM base URL')).toHaveValue('');
  });

  it('row 30: asks for the Downstream bearer token, masked and write-only', async () => {
    const { user, container } = await section('acme');
    const field = screen.getByLabelText('Downstream bearer token');
    expect(field).toHaveAttribute('type', 'password');
    expect(field).toHaveAttribute('autocomplete', 'off');
    expect(field).toHaveAttribute('spellcheck', 'false');
    await user.type(field, 'very-secret');
    expect(container.innerHTML).not.toContain('very-secret');
  });

  it('row 31: offers Enable outbound SCIM', async () => {
    await section('acme');
    expect(button('Enable outbound SCIM')).toBeEnabled();
  });

  it('row 32: the badge becomes Enabled', async () => {
    const { user } = await section('acme');
    await submit(user, 'https://good.example.com/scim/v2');
    expect(await panel('outbound').findByText('Enabled', { selector: '.kv-badge' })).toBeVisible();
  });

  it('row 33: shows the configured endpoint, never the token', async () => {
    const { user, container } = await section('acme');
    await submit(user, 'https://good.example.com/scim/v2/', 'very-secret');
    expect(await screen.findByLabelText(outbound.endpoint)).toHaveValue('https://good.example.com/scim/v2');
    expect(container.innerHTML).not.toContain('very-secret');
  });

  it('row 34: says that outbound is active at once', async () => {
    await section('globex');
    expect(panel('outbound').getByText(/changes are pushed at once/)).toBeVisible();
  });

  it.each([
    ['unauthorized', /401 Unauthorized/],
    ['missing', /404 Not Found/],
  ])('row 35: a probe that fails (%s) leaves it disabled, keeps the form and says the cause', async (host, cause) => {
    const { user } = await section('acme');
    await submit(user, `https://${host}.example.com/scim/v2`, 'abc');
    expect(await failure()).toHaveTextContent(cause);
    expect(panel('outbound').getByText('Disabled')).toBeVisible();
    expect(screen.getByLabelText(label.downstreamUrl)).toHaveValue(`https://${host}.example.com/scim/v2`);
    expect(screen.getByLabelText(label.downstreamToken)).toHaveValue('abc');
  });

  it('row 36: shows the curl to re-test with, without the token', async () => {
    const { user } = await section('acme');
    await submit(user, 'https://unauthorized.example.com/scim/v2', 'very-secret');
    const box = await failure();
    expect(box).toHaveTextContent(
      'curl -i -H "Authorization: Bearer $DOWNSTREAM_TOKEN" -H "Accept: application/scim+json" "https://unauthorized.example.com/scim/v2/ServiceProviderConfig"',
    );
    expect(box).toHaveTextContent(/fix the downstream side and try again/);
    expect(box).not.toHaveTextContent('very-secret');
  });

  it.each([
    ['html', 'The downstream answered with a web page (text/html), not SCIM. Check the base URL.'],
    ['tls', 'The TLS connection failed'],
    ['slow', 'did not answer in time'],
    ['gone', 'could not be reached'],
    ['blocked', 'This address is not reachable from Kevra.'],
  ])('row 37: names the cause as itself: %s', async (host, words) => {
    const { user } = await section('acme');
    await submit(user, `https://${host}.example.com/scim/v2`);
    expect(await failure()).toHaveTextContent(words);
  });

  it('tells nothing of the network where the address is refused: neither an answer nor how long it took', async () => {
    const { user } = await section('acme');
    await submit(user, 'https://blocked.example.com/scim/v2');
    expect(await failure()).toHaveTextContent(/This address is not reachable from Kevra\..*curl -i/);
    expect(await failure()).not.toHaveTextContent(/ ms|GET /);
  });

  it('row 38: offers Disable once enabled', async () => {
    await section('globex');
    expect(panel('outbound').getByRole('button', { name: 'Disable' })).toBeEnabled();
  });

  it('row 39: after disabling the form reappears; the badge waits for the answer', async () => {
    let answer = (_: Response) => {};
    once('post', 'outbound/disable', () => new Promise<Response>(resolve => (answer = resolve)));
    const { user } = await section('globex');
    await user.click(panel('outbound').getByRole('button', { name: label.disable }));
    const dialog = within(screen.getByRole('dialog'));
    expect(screen.getByRole('dialog')).toHaveAccessibleDescription(/capture in the realm is switched off/);
    await user.click(dialog.getByRole('button', { name: label.disable }));
    await waitFor(() =>
      expect(dialog.getByRole('button', { name: label.disable })).toHaveAttribute('aria-busy', 'true'),
    );
    expect(panel('outbound').getByText('Enabled', { selector: '.kv-badge' })).toBeVisible();
    world.of('globex').sync.outbound = off();
    answer(new Response(null, { status: 204 }));
    expect(await screen.findByLabelText(label.downstreamUrl)).toBeVisible();
    expect(panel('outbound').getByText('Disabled')).toBeVisible();
  });

  it('row 38: Disable, then Cancel: it stays enabled, without a call', async () => {
    const { user } = await section('globex');
    await user.click(panel('outbound').getByRole('button', { name: label.disable }));
    expect(screen.getByRole('dialog')).toHaveAccessibleDescription(/Pushes stop.*Nothing is deleted downstream/);
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: label.cancel }));
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(panel('outbound').getByText('Enabled')).toBeVisible();
    expect(world.calls.filter(call => call.path.endsWith('/disable'))).toEqual([]);
  });

  it('row 40: has no button that replaces the token; says to disable and enable', async () => {
    await section('globex');
    expect(panel('outbound').queryByRole('button', { name: /rotate|replace/i })).toBeNull();
    expect(panel('outbound').getByText(/New downstream token\? Disable, then Enable outbound SCIM/)).toBeVisible();
  });

  it('row 41: states one downstream per tenant, and how to reach us for more', async () => {
    const { rerender } = await section('acme', { supportUrl: 'mailto:help@example.com' });
    expect(panel('outbound').getByText('One downstream per tenant.')).toBeVisible();
    expect(panel('outbound').getByRole('link', { name: outbound.support })).toHaveAttribute(
      'href',
      'mailto:help@example.com',
    );
    rerender(<IdentitySync tenant="acme" getToken={async () => operator()} />);
    expect(panel('outbound').queryByRole('link', { name: outbound.support })).toBeNull();
    expect(panel('outbound').getByText(/Need more than one downstream\? Ask Kevra support\./)).toBeVisible();
  });

  it.each(['acme', 'globex'])('row 42: states the limits (%s)', async tenant => {
    await section(tenant);
    expect(panel('outbound').getByText(/Hard deletes are not propagated/)).toBeVisible();
    expect(panel('outbound').getByText(/No automatic backfill/)).toBeVisible();
  });

  it('row 43: 401 on every push: quarantined, nothing dropped, disable and enable with the new token', async () => {
    await section('umbrella');
    expect(panel('outbound').queryByText(/pushed at once/)).toBeNull();
    const box = panel('outbound').getByRole('alert');
    expect(box).toHaveTextContent(/Paused: downstream answers 401 since .*\d\d:\d\d/);
    expect(box).toHaveTextContent(/Nothing is dropped.*Disable, then Enable outbound SCIM with the new one/);
  });

  it.each([
    ['forbidden', /Paused: downstream answers 403 since/, /Nothing is dropped/],
    ['other', /Paused since.*It has its reasons\./, /Nothing is dropped/],
    ['one of a later release', /Paused since.*It has its reasons\./, /Nothing is dropped/],
  ])('row 43: the words go by the code, whatever the text (%s)', async (code, title, mend) => {
    // A failed probe may word it anew: the sentence stays.
    const reason = 'it has its reasons';
    Object.assign(world.of('umbrella').sync.outbound, { quarantine_code: code, quarantine_reason: reason });
    await section('umbrella');
    const box = panel('outbound').getByRole('alert');
    expect(box).toHaveTextContent(title);
    expect(box).toHaveTextContent(mend);
  });

  it('row 43: 409: parked as conflict, with Link, Retry and Ignore', async () => {
    const { user } = await section('globex');
    const row = within(
      (await panel('outbound').findByText('ada.lovelace@globex.example')).closest('li') as HTMLElement,
    );
    expect(row.getByText(/conflict \(409\)/)).toBeVisible();
    expect(row.getByText(parked.conflictHint)).toHaveTextContent(/Edit the user, or Link the existing record/);
    for (const name of ['Link', 'Retry', 'Ignore']) expect(row.getByRole('button', { name })).toBeEnabled();
    await user.click(row.getByRole('button', { name: 'Link' }));
    const dialog = within(await screen.findByRole('dialog'));
    expect(await dialog.findByText('2819c223-7f76')).toBeVisible();
    await user.click(dialog.getByRole('button', { name: 'Link' }));
    await waitFor(() => expect(panel('outbound').queryByText('ada.lovelace@globex.example')).toBeNull());
  });

  it('a parked user somebody else has dealt with goes, and that is said', async () => {
    const { user } = await section('globex');
    const name = 'ada.lovelace@globex.example';
    const row = within((await panel('outbound').findByText(name)).closest('li') as HTMLElement);
    const held = world.of('globex');
    const mine = held.parked.findIndex(one => one.username === name);
    held.parked.splice(mine, 1);
    if (held.sync.outbound.health) held.sync.outbound.health.parked = held.parked.length;
    await user.click(row.getByRole('button', { name: 'Retry' }));
    await waitFor(() => expect(panel('outbound').queryByText(name)).toBeNull());
    expect(screen.getByText(parked.notParked)).toBeInTheDocument();
    expect(panel('outbound').queryByRole('alert')).toBeNull();
  });

  it('asks for the parked users again where they are not as many as the panel says', async () => {
    once('get', 'outbound/parked', () => Response.json({ users: [], next: null }));
    await section('globex');
    expect(await panel('outbound').findByText('ada.lovelace@globex.example')).toBeVisible();
  });

  it('row 44: nowhere advises to disable and enable after a restart of Keycloak', async () => {
    const { container } = await section('globex');
    expect(container).not.toHaveTextContent(/restart/i);
    expect(container).not.toHaveTextContent(/re-enable/i);
  });

  it('row 45: the badge says Disabled before enabling', async () => {
    await section('acme');
    expect(panel('outbound').getByText('Disabled')).toBeVisible();
  });

  it('row 46: the activity has the shape of a downstream’s log', async () => {
    await section('globex');
    const lines = await panel('activity').findAllByRole('button', { expanded: false });
    expect(lines.some(line => /Out ?POST \/Users 201/.test(line.textContent ?? ''))).toBe(true);
    expect(lines.some(line => /Out ?PATCH \/Users\/\{id\} 200/.test(line.textContent ?? ''))).toBe(true);
  });

  it.each(['acme', 'globex'])('row 47: new users and updates appear within seconds, off or on (%s)', async tenant => {
    await section(tenant);
    expect(panel('outbound').getByText(/new users and updates appear (there|downstream) within seconds/)).toBeVisible();
  });

  it('row 47: promises nothing of the kind while it is paused', async () => {
    await section('umbrella');
    expect(panel('outbound').queryByText(/within seconds/)).toBeNull();
  });

  it.each([
    [60_000, /Paused by the downstream until \d\d:\d\d/, 0],
    [-60_000, /^Delivering/, 1],
  ])('says until when the downstream asked to be left alone, and only until then (%d ms from now)', async (ms, words, promises) => {
    world.of('globex').sync.outbound.paused_until = new Date(Date.now() + ms).toISOString();
    await section('globex');
    expect(panel('outbound').getByText(words)).toBeVisible();
    expect(panel('outbound').queryAllByText(/within seconds/)).toHaveLength(promises);
  });

  it('tests a connection without saving', async () => {
    const { user } = await section('acme');
    await submit(user, 'https://good.example.com/scim/v2', 'abc', label.testConnection);
    expect(await panel('outbound').findByText(/answers and speaks SCIM/)).toBeVisible();
    expect(world.of('acme').sync.outbound.status).toBe('disabled');
  });

  it('tests the stored target, and names what it cannot do', async () => {
    once('post', 'outbound/test', () =>
      Response.json({ endpoint: 'x', supports_patch: false, supports_filter: false, limitations: [] }),
    );
    const { user } = await section('globex');
    await user.click(panel('outbound').getByRole('button', { name: label.testConnection }));
    expect(await panel('outbound').findByText(/no PATCH.*cannot search/)).toBeVisible();
  });

  it('sends a test user and shows its steps', async () => {
    const { user } = await section('globex');
    await user.click(button(label.testUser));
    const steps = await panel('outbound').findByText(outbound.testUserOk);
    expect(steps.parentElement).toHaveTextContent(/POST \/Users 201.*PATCH \/Users\/\{id\} 200/);
    expect(steps.parentElement).toHaveRole('status');
  });

  it('a test user that fails is an alert with the steps, and has the focus', async () => {
    const step = { operation: 'POST /Users', status: 400, class: 'rejected', duration_ms: 3 };
    once('post', 'outbound/test-user', () => Response.json({ steps: [step], ok: false }));
    const { user } = await section('globex');
    await user.click(button(label.testUser));
    expect(await failure()).toHaveTextContent(/A step failed\..*POST \/Users 400/);
    expect(screen.getByText(outbound.testUserFailed)).toHaveFocus();
  });

  it('says on one line what goes on inside Enabled', async () => {
    await section('globex');
    expect(panel('outbound').getByText(/Delivering · 0 waiting · last/)).toHaveTextContent(/last \d+ s ago/);
  });

  it('takes a backfill from the dry run through pause and resume to cancel', async () => {
    const { user } = await section('globex');
    await user.click(screen.getByText(label.backfill));
    expect(screen.queryByRole('button', { name: label.runBackfill })).toBeNull();
    await user.click(button(label.dryRun));
    expect(await screen.findByText('3,902')).toBeVisible();
    expect(screen.getByText('grace@acme.io')).toBeVisible();
    expect(screen.getByText('41 of 41 groups looked at')).toBeVisible();
    expect(screen.getByText('37')).toBeVisible();
    await user.click(button(label.runBackfill));
    await user.click(await panel('outbound').findByRole('button', { name: label.pause }));
    await waitFor(() => expect(world.of('globex').sync.outbound.backfill?.state).toBe('paused'));
    await waitFor(() => expect(screen.queryByText(/groups looked at/)).toBeNull());
    // How far it is stays in sight while it rests.
    expect(screen.getByRole('progressbar', { name: label.backfill })).toHaveAttribute('value', '1310');
    await user.click(await panel('outbound').findByRole('button', { name: label.resume }));
    await user.click(await panel('outbound').findByRole('button', { name: label.cancel }));
    await waitFor(() => expect(world.of('globex').sync.outbound.backfill?.state).toBe('cancelled'));
    const asked = world.calls.filter(call => call.path.endsWith('/backfill')).map(call => call.body);
    expect(asked).toEqual(['{"dry_run":true}', '{"dry_run":false}']);
  });

  it('saves the options of the downstream, with those it does not show and the version it was made from', async () => {
    Object.assign(world.of('globex').sync.outbound.options ?? {}, { later: true });
    const { user } = await section('globex');
    const { version } = world.of('globex').sync;
    await user.click(panel('outbound').getByText(label.advanced));
    await user.selectOptions(screen.getByLabelText(/deleted in the realm/), 'deactivate');
    const hold = screen.getByLabelText(/Hold a mass deactivation/);
    expect(hold).toHaveAccessibleDescription(/More than 20 users/);
    await user.click(hold);
    await user.click(save());
    await panel('outbound').findByText('Saved.', { selector: '.kv-ok-text' });
    const wanted = { on_delete: 'deactivate', hold_mass_deactivation: true, later: true };
    expect(world.of('globex').sync.outbound.options).toEqual(wanted);
    expect(world.calls.find(call => call.path.endsWith('outbound/options'))?.ifMatch).toBe(`"${version}"`);
    expect(hold).toBeChecked();
  });

  it('does not undo what another admin chose meanwhile: says so, shows it, and saves when asked again', async () => {
    const { user } = await section('globex');
    await user.click(panel('outbound').getByText(label.advanced));
    await user.click(screen.getByLabelText(/Hold a mass deactivation/));
    const { sync } = world.of('globex');
    sync.version++;
    sync.outbound.options = { on_delete: 'deactivate', hold_mass_deactivation: false };
    await user.click(save());
    expect(await failure()).toHaveTextContent('Somebody else changed this first.');
    expect(sync.outbound.options.hold_mass_deactivation).toBe(false);
    await waitFor(() => expect(screen.getByLabelText(/deleted in the realm/)).toHaveValue('deactivate'));
    await user.click(save());
    await waitFor(() =>
      expect(sync.outbound.options).toEqual({ on_delete: 'deactivate', hold_mass_deactivation: true }),
    );
  });

  it('shows the options to who may only look, and does not let them be changed', async () => {
    await section('umbrella', { getToken: async () => operator({ scope: 'sync:read' }) });
    expect(screen.getByLabelText(/deleted in the realm/)).toHaveValue('deactivate');
    expect(screen.getByLabelText(/deleted in the realm/)).toBeDisabled();
    expect(screen.getByLabelText(/Hold a mass deactivation/)).toBeChecked();
    expect(screen.getByLabelText(/Hold a mass deactivation/)).toBeDisabled();
    expect(panel('outbound').queryByRole('button', { name: 'Save' })).toBeNull();
  });

  it('has no options before there is a downstream', async () => {
    await section('acme');
    expect(panel('outbound').queryByText(label.advanced)).toBeNull();
  });

  it.each([
    ['Confirm', 'Deactivate 24 users downstream?', 'confirm'],
    ['Refuse', 'Leave 24 users active downstream?', 'refuse'],
  ])('a held mass deactivation waits for a person: %s', async (name, question, verb) => {
    const { user } = await section('umbrella');
    const notice = within(panel('outbound').getByRole('group', { name: 'Deactivations held: 24' }));
    await user.click(notice.getByRole('button', { name }));
    const dialog = within(screen.getByRole('dialog', { name: question }));
    expect(world.calls.some(call => call.path.includes('/held/'))).toBe(false);
    await user.click(dialog.getByRole('button', { name }));
    await waitFor(() => expect(panel('outbound').queryByText(/Deactivations held/)).toBeNull());
    const call = world.calls.find(call => call.path.endsWith(`/held/deactivations/${verb}`));
    expect(call?.body).toBe('{"users":24}');
  });

  it('users the realm lacks are given up only at a person’s word, also where nothing is pushed', async () => {
    const { user } = await section('initech');
    const notice = within(panel('outbound').getByRole('group', { name: 'Users missing in the realm: 1,031' }));
    expect(notice.queryByRole('button', { name: label.refuse })).toBeNull();
    await user.click(notice.getByRole('button', { name: label.confirm }));
    const dialog = screen.getByRole('dialog', { name: 'Give up 1,031 users who are missing?' });
    await user.click(within(dialog).getByRole('button', { name: label.cancel }));
    expect(world.of('initech').sync.outbound.held.absences).toBe(1031);
    // Some more have gone missing between the look and the word.
    await user.click(notice.getByRole('button', { name: label.confirm }));
    world.of('initech').sync.outbound.held.absences = 1040;
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: label.confirm }));
    expect(await panel('outbound').findByText(held.more)).toHaveFocus();
    expect(await panel('outbound').findByText(/missing in the realm: 1,040/)).toBeVisible();
    expect(world.of('initech').sync.outbound.held.absences).toBe(1040);
  });

  it('groups the realm lacks are given up by a word of their own', async () => {
    const { user } = await section('initech');
    const notice = within(panel('outbound').getByRole('group', { name: 'Groups missing in the realm: 42' }));
    await user.click(notice.getByRole('button', { name: label.confirm }));
    const dialog = within(screen.getByRole('dialog', { name: 'Give up 42 groups that are missing?' }));
    await user.click(dialog.getByRole('button', { name: label.confirm }));
    await waitFor(() => expect(panel('outbound').queryByText(/Groups missing/)).toBeNull());
    const call = world.calls.find(call => call.path.endsWith('/held/groups/confirm'));
    expect(call?.body).toBe('{"groups":42}');
    expect(panel('outbound').getByText(/missing in the realm: 1,031/)).toBeVisible();
  });

  it('what is held is shown to who may only look, without buttons', async () => {
    await section('umbrella', { getToken: async () => operator({ scope: 'sync:read' }) });
    expect(panel('outbound').getByText(/Deactivations held: 24/)).toBeVisible();
    expect(panel('outbound').queryByRole('button', { name: label.confirm })).toBeNull();
  });

  it('many records gone at the downstream: says what happened and how it goes on', async () => {
    world.of('umbrella').sync.outbound.quarantine_code = 'gone';
    await section('umbrella');
    const box = panel('outbound').getByRole('alert');
    expect(box).toHaveTextContent(/Paused since .*\d\d:\d\d.*Many records are gone.*Check it, then Disable and Enable/);
    expect(box).not.toHaveTextContent(/token changed/);
  });

  it('says so when the record to link has changed, and looks again', async () => {
    once('post', 'outbound/parked/:user/link', () => refuse('stale', 409));
    const { user } = await section('globex');
    await user.click(await screen.findByRole('button', { name: label.link }));
    const dialog = within(await screen.findByRole('dialog'));
    await user.click(await dialog.findByRole('button', { name: label.link }));
    expect(await dialog.findByText(parked.stale)).toHaveFocus();
    expect(world.calls.filter(call => /parked\/[^/]+$/.test(call.path))).toHaveLength(2);
  });
});

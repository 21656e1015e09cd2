import { fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { HttpResponse } from 'msw';
import { describe, expect, it, vi } from 'vitest';
import { operator } from '../e2e/world.mjs';
import { IdentitySync } from '../src/IdentitySync';
import { common, guide, inbound, label, outbound, sync, urlFault } from '../src/strings';
import { button, lost, once, panel, refuse, reveal, section } from './harness';
import { world } from './setup';

const rotate = () => within(screen.getByRole('dialog')).getByRole('button', { name: label.rotate });

describe('edge cases', () => {
  it('the answer of enable is lost after the token was minted', async () => {
    lost('inbound/enable');
    const { user } = await section('acme');
    await user.click(button(label.enableInbound));
    const alert = await panel('inbound').findByRole('alert');
    expect(alert).toHaveTextContent('We could not confirm the result.');
    expect(alert).toHaveTextContent(
      'Inbound SCIM is enabled but the token was not delivered. Rotate token to get one.',
    );
    expect(panel('inbound').getByText('Enabled')).toBeVisible();
    expect(alert.querySelector('p')).toHaveFocus();
  });

  it('the call of enable is lost before it arrives', async () => {
    once('post', 'inbound/enable', () => HttpResponse.error());
    const { user } = await section('acme');
    await user.click(button(label.enableInbound));
    expect(await panel('inbound').findByRole('alert')).toHaveTextContent(inbound.unchanged);
    expect(panel('inbound').getByText('Disabled')).toBeVisible();
  });

  it('the answer of rotate is lost', async () => {
    lost('inbound/rotate');
    const { user } = await section('globex');
    await user.click(button(label.rotate));
    await user.click(rotate());
    expect(await panel('inbound').findByRole('alert')).toHaveTextContent(inbound.rotatedUndelivered);
  });

  /** The call is lost, and so is the question what came of it. */
  const dark = (path: string) => {
    lost(path);
    once('get', 'identity-sync', () => HttpResponse.error());
  };

  it.each([
    ['acme', label.enableInbound, 'inbound/enable'],
    ['globex', label.rotate, 'inbound/rotate'],
  ])('the answer is lost and the state cannot be fetched either: nothing is claimed (%s, %s)', async (tenant, name, path) => {
    const { user } = await section(tenant);
    dark(path);
    await user.click(button(name));
    if (path.endsWith('rotate')) await user.click(rotate());
    const alert = await panel('inbound').findByRole('alert');
    expect(alert).toHaveTextContent('We could not confirm the result.');
    expect(alert).toHaveTextContent(/if inbound SCIM is enabled and you have no working token, use Rotate token/);
    expect(screen.queryByText(inbound.failed)).toBeNull();
    // What to do still stands there when the server answers again and the token is seen to be there.
    fireEvent(document, new Event('visibilitychange'));
    await waitFor(() => expect(screen.queryByText(sync.lost)).toBeNull());
    expect(panel('inbound').getByText('Enabled', { selector: '.kv-badge' })).toBeVisible();
    expect(panel('inbound').getByText(inbound.unsure)).toBeVisible();
  });

  it.each([
    ['acme', 'inbound/enable', 'Disabled'],
    ['acme', 'outbound/enable', 'Disabled'],
    ['globex', 'inbound/rotate', 'Enabled'],
  ])('who looks while %s: %s has no answer yet sees what was before, and nothing of somebody else', async (tenant, path, before) => {
    const name = path.startsWith('inbound') ? 'inbound' : 'outbound';
    const { user } = await section(tenant);
    if (path.endsWith('rotate')) {
      await user.click(button(label.rotate));
      await user.click(rotate());
      await screen.findByRole('group', { name: /bearer token/i });
    }
    let answer = () => {};
    const ended = new Promise<void>(resolve => (answer = resolve));
    once('post', path, async request => {
      const done = await world.handle(request.clone());
      await ended;
      return done;
    });
    if (path === 'outbound/enable') {
      await user.type(screen.getByLabelText(label.downstreamUrl), 'https://good.example.com/scim/v2');
      await user.type(screen.getByLabelText(label.downstreamToken), 'abc');
      await user.click(button(label.enableOutbound));
    } else await user.click(button(path.endsWith('rotate') ? label.rotate : label.enableInbound));
    if (path.endsWith('rotate')) await user.click(rotate());
    const pressed = document.querySelector('[aria-busy=true]');
    expect(pressed).toBeVisible();
    const looks = () => world.calls.filter(call => call.path.endsWith('/identity-sync')).length;
    const sofar = looks();
    await waitFor(() => expect(world.calls.at(-1)?.path).toContain(path));
    fireEvent(document, new Event('visibilitychange'));
    await waitFor(() => expect(looks()).toBe(sofar + 1));
    await new Promise(requestAnimationFrame);
    expect(panel(name).getByText(before, { selector: '.kv-badge' })).toBeVisible();
    expect(pressed).toBeInTheDocument();
    answer();
    await waitFor(() => expect(pressed).not.toBeInTheDocument());
    expect(await panel(name).findByText('Enabled', { selector: '.kv-badge' })).toBeVisible();
    if (name === 'inbound') expect(screen.getByRole('group', { name: /bearer token/i })).toBeVisible();
    expect(screen.queryByText(inbound.replaced)).toBeNull();
  });

  const off = async (user: Awaited<ReturnType<typeof section>>['user'], name: 'inbound' | 'outbound') => {
    await user.click(panel(name).getByRole('button', { name: label.disable }));
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: label.disable }));
  };

  it.each([
    'inbound',
    'outbound',
  ] as const)('the answer of Disable is lost (%s): the state that is fetched says that it is off', async name => {
    const { user } = await section('globex');
    lost(`${name}/disable`);
    await off(user, name);
    expect(await panel(name).findByText('Disabled', { selector: '.kv-badge' })).toBeVisible();
    expect(panel(name).queryByRole('alert')).toBeNull();
  });

  it.each([
    'inbound',
    'outbound',
  ] as const)('Disable without an answer and without a state (%s): nothing is claimed', async name => {
    const { user } = await section('globex');
    dark(`${name}/disable`);
    await off(user, name);
    const alert = await panel(name).findByRole('alert');
    expect(alert).toHaveTextContent('We could not confirm the result.');
    expect(alert).toHaveTextContent(common.unsure);
    expect(alert).not.toHaveTextContent(/still enabled|not changed/);
    // It may well have been done: no failure, in neither panel.
    expect(alert).toHaveClass('kv-warn');
    expect(alert.querySelectorAll('p')).toHaveLength(2);
  });

  it('Disable is done, and only the state cannot be fetched: no failure is told', async () => {
    const { user } = await section('globex');
    once('get', 'identity-sync', () => HttpResponse.error());
    await off(user, 'outbound');
    expect(await screen.findByText(sync.lost)).toBeVisible();
    expect(panel('outbound').queryByText(outbound.disableFailed)).toBeNull();
  });

  it.each([
    [lost, 'Enabled', undefined],
    [dark, 'Disabled', common.unsure],
  ])('the answer of Enable outbound is lost: nothing is claimed that is not known', async (lose, badge, said) => {
    const { user } = await section('acme');
    lose('outbound/enable');
    await user.type(screen.getByLabelText(label.downstreamUrl), 'https://good.example.com/scim/v2');
    await user.type(screen.getByLabelText(label.downstreamToken), 'abc');
    await user.click(button(label.enableOutbound));
    if (said) expect(await panel('outbound').findByText(said)).toBeVisible();
    expect(await panel('outbound').findByText(badge, { selector: '.kv-badge' })).toBeVisible();
    expect(panel('outbound').queryByText(outbound.nothingSaved)).toBeNull();
    expect(panel('outbound').queryByText(outbound.notEnabled)).toBeNull();
  });

  it('two admins: the second press of Enable finds it enabled, by whom and when, and reveals nothing', async () => {
    const { user } = await section('acme');
    Object.assign(world.of('acme').sync.inbound, {
      status: 'enabled',
      token_hint: 'zzzz',
      changed_by: 'dana@acme.io',
      changed_at: new Date(Date.now() - 4000).toISOString(),
    });
    await user.click(button(label.enableInbound));
    expect(await screen.findByText(/Enabled by/)).toHaveTextContent(/Enabled by dana@acme\.io \d+ s ago/);
    expect(screen.queryByRole('group', { name: inbound.revealTitle })).toBeNull();
    expect(panel('inbound').getByText('Enabled')).toBeVisible();
  });

  it('rotate while another rotated: 412, says who and when, and asks again', async () => {
    const { user } = await section('globex');
    await user.click(button(label.rotate));
    Object.assign(world.of('globex').sync, { version: 2 });
    Object.assign(world.of('globex').sync.inbound, {
      token_issued_at: new Date(Date.now() - 12_000).toISOString(),
      token_issued_by: 'eve@acme.io',
    });
    await user.click(rotate());
    await waitFor(() =>
      expect(screen.getByRole('dialog')).toHaveTextContent(
        /The token was rotated 1\d s ago by eve@acme\.io\. Rotate again\?/,
      ),
    );
    await user.click(rotate());
    expect(await screen.findByRole('group', { name: inbound.revealTitle })).toBeVisible();
    const sent = world.calls.filter(call => call.path.endsWith('/rotate')).map(call => call.ifMatch);
    expect(sent).toEqual(['"1"', '"2"']);
  });

  it('rotate after something else was saved: says that the configuration changed, not that somebody rotated', async () => {
    const { user } = await section('globex');
    await user.click(button(label.rotate));
    world.of('globex').sync.version = 2;
    await user.click(rotate());
    const dialog = screen.getByRole('dialog');
    await waitFor(() => expect(dialog).toHaveTextContent(inbound.movedOn));
    expect(dialog).not.toHaveTextContent(inbound.rotatedBy);
    await user.click(rotate());
    expect(await screen.findByRole('group', { name: inbound.revealTitle })).toBeVisible();
  });

  it('the answer of rotate is lost before it arrives, and something else was saved: the token is not said to be rotated', async () => {
    const { user } = await section('globex');
    await user.click(button(label.rotate));
    once('post', 'inbound/rotate', () => {
      world.of('globex').sync.version = 2;
      return HttpResponse.error();
    });
    await user.click(rotate());
    expect(await panel('inbound').findByRole('alert')).toHaveTextContent(inbound.unchanged);
  });

  it.each([
    ['rotated', { token_hint: 'zzzz', token_issued_at: new Date().toISOString(), token_issued_by: 'eve@acme.io' }],
    ['disabled', { status: 'disabled', token_hint: null, changed_by: 'eve@acme.io' }],
  ] as const)('a token on show that another admin %s leaves the page, and the page says why', async (_, change) => {
    const { user, container } = await section('acme');
    const token = await reveal(user);
    await user.click(button(label.show));
    Object.assign(world.of('acme').sync.inbound, change);
    world.of('acme').sync.version++;
    fireEvent(document, new Event('visibilitychange'));
    expect(await screen.findByText(inbound.replaced)).toBeVisible();
    expect(screen.queryByRole('group', { name: inbound.revealTitle })).toBeNull();
    expect(container.innerHTML).not.toContain(token);
  });

  it('who enabled it is not said any more once it is off again', async () => {
    const { user } = await section('acme');
    const on = {
      status: 'enabled',
      token_hint: 'zzzz',
      changed_by: 'dana@acme.io',
      changed_at: new Date().toISOString(),
    };
    Object.assign(world.of('acme').sync.inbound, on);
    await user.click(button(label.enableInbound));
    expect(await screen.findByText(/Enabled by/)).toHaveTextContent(/dana@acme\.io/);
    Object.assign(world.of('acme').sync.inbound, { status: 'disabled', token_hint: null, changed_by: 'eve@acme.io' });
    fireEvent(document, new Event('visibilitychange'));
    expect(await panel('inbound').findByText('Disabled', { selector: '.kv-badge' })).toBeVisible();
    expect(screen.queryByText(/Enabled by/)).toBeNull();
  });

  it('Done without copying asks once, inline; no beforeunload', async () => {
    const listen = vi.spyOn(window, 'addEventListener');
    const { user } = await section('acme');
    await reveal(user);
    await user.click(button(label.done));
    expect(screen.getByRole('alert')).toHaveTextContent('You have not copied the token. Close anyway?');
    await user.click(button(inbound.keepOpen));
    expect(screen.getByRole('group', { name: inbound.revealTitle })).toBeVisible();
    await user.click(button(label.done));
    await user.click(button(inbound.closeAnyway));
    expect(screen.queryByRole('group', { name: inbound.revealTitle })).toBeNull();
    expect(listen.mock.calls.some(([name]) => name === 'beforeunload')).toBe(false);
  });

  it('Done after copying closes at once', async () => {
    const { user } = await section('acme');
    await reveal(user);
    await user.click(button(label.copyToken));
    await screen.findByRole('button', { name: 'Copied' });
    await user.click(button(label.done));
    expect(screen.queryByRole('group', { name: inbound.revealTitle })).toBeNull();
  });

  it('a second token starts anew: masked, not copied, with the focus on Copy token', async () => {
    const { user } = await section('acme');
    await reveal(user);
    await user.click(button(label.copyToken));
    await user.click(button(label.show));
    const first = screen.getByLabelText<HTMLTextAreaElement>(inbound.tokenPlain).value;
    await user.click(button(label.rotate));
    await user.click(rotate());
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    expect(await screen.findByRole('button', { name: label.copyToken })).toHaveFocus();
    expect(screen.getByLabelText<HTMLTextAreaElement>(inbound.tokenPlain).value).not.toHaveLength(first.length);
    await user.click(button(label.done));
    expect(screen.getByText(inbound.notCopied)).toBeVisible();
  });

  it.each([
    'denied',
    'missing',
  ])('clipboard %s: selects the text, says Press Ctrl+C, never claims success', async how => {
    const { user } = await section('acme');
    const token = await reveal(user);
    if (how === 'denied') vi.spyOn(navigator.clipboard, 'writeText').mockRejectedValue(new Error('denied'));
    else vi.spyOn(navigator, 'clipboard', 'get').mockReturnValue(undefined as unknown as Clipboard);
    await user.click(button(label.copyToken));
    const field = screen.getByLabelText<HTMLTextAreaElement>(inbound.tokenPlain);
    await waitFor(() => expect(field).toHaveFocus());
    expect(field).toHaveValue(token);
    expect([field.selectionStart, field.selectionEnd]).toEqual([0, token.length]);
    expect(screen.getByText('Press Ctrl+C to copy.', { selector: '.kv-hint' })).toBeVisible();
    expect(screen.queryByText('Copied')).toBeNull();
    await user.click(button(label.done));
    expect(screen.getByText(inbound.notCopied)).toBeVisible();
  });

  it('what the panel has to say of itself leaves what was just said to be read', async () => {
    const { user } = await section('acme');
    let answer = () => {};
    once('get', 'identity-sync', async request => {
      await new Promise<void>(resolve => {
        answer = resolve;
      });
      return world.handle(request);
    });
    await reveal(user);
    vi.spyOn(navigator.clipboard, 'writeText').mockRejectedValue(new Error('denied'));
    await user.click(button(label.copyToken));
    await screen.findByText('Press Ctrl+C to copy.', { selector: '.kv-hint' });
    answer();
    const region = document.querySelector('.kv-sr[role=status]');
    await waitFor(() => expect(region).toHaveTextContent('Press Ctrl+C to copy.Inbound SCIM: Enabled'));
  });

  it.each([
    ['the test command', 0],
    ['a command of the guide', 1],
  ])('a clipboard that refuses %s: shows the token in it, selects it, and masks it when it is left', async (_, at) => {
    const { user } = await section('acme');
    const token = await reveal(user);
    if (at) {
      await user.click(screen.getByText(label.setUp, { selector: 'summary' }));
      await user.click(screen.getByRole('tab', { name: 'curl' }));
    }
    vi.spyOn(navigator.clipboard, 'writeText').mockRejectedValue(new Error('denied'));
    const copy = screen.getAllByRole('button', { name: guide.copyCode })[at] as HTMLElement;
    const pre = copy.parentElement?.querySelector('pre') as HTMLElement;
    expect(pre).not.toHaveTextContent(token);
    await user.click(copy);
    await waitFor(() => expect(pre).toHaveFocus());
    expect(pre).toHaveTextContent(token);
    expect(getSelection()?.toString()).toContain(token);
    expect(screen.getByText('Press Ctrl+C to copy.', { selector: '.kv-hint' })).toBeVisible();
    await user.tab();
    expect(pre).not.toHaveTextContent(token);
  });

  it('a pasted downstream token with Bearer: hint, and stripped on submit', async () => {
    const { user } = await section('acme');
    await user.type(screen.getByLabelText(label.downstreamUrl), 'https://good.example.com/scim/v2');
    await user.type(screen.getByLabelText(label.downstreamToken), 'Bearer  abc123');
    expect(screen.getByText('We add Bearer for you.')).toBeVisible();
    await user.click(button(label.enableOutbound));
    await screen.findByLabelText(outbound.endpoint);
    const sent = world.calls.find(call => call.path.endsWith('/outbound/enable'));
    expect(JSON.parse(sent?.body ?? '').token).toBe('abc123');
  });

  it.each([
    ['https://a.example.com/scim/v2/Users', 'endpoint'],
    ['https://a.example.com/scim/v2?x=1', 'query'],
    ['https://a.example.com/scim/v2#top', 'fragment'],
    ['https://me:pw@a.example.com/scim/v2', 'userinfo'],
    ['http://a.example.com/scim/v2', 'scheme'],
    ['https://192.0.2.7/scim/v2', 'ip'],
    ['https://[2001:db8::1]/scim', 'ip'],
  ])('the URL %s is refused in its field, naming the part (%s)', async (url, part) => {
    const { user } = await section('acme');
    const field = screen.getByLabelText(label.downstreamUrl);
    await user.click(field);
    await user.paste(url);
    await user.type(screen.getByLabelText(label.downstreamToken), 'abc');
    await user.click(button(label.enableOutbound));
    expect(field).toBeInvalid();
    expect(field).toHaveAccessibleDescription(urlFault[part]);
    expect(field).toHaveFocus();
    expect(world.calls.some(call => call.path.endsWith('/outbound/enable'))).toBe(false);
  });

  it('http and loopback are left to the server under the development flag only', async () => {
    const { user } = await section('acme', { development: true });
    await user.type(screen.getByLabelText(label.downstreamUrl), 'http://127.0.0.1:8090/scim/v2');
    await user.type(screen.getByLabelText(label.downstreamToken), 'abc');
    await user.click(button(label.enableOutbound));
    expect(await screen.findByLabelText(outbound.endpoint)).toHaveValue('http://127.0.0.1:8090/scim/v2');
  });

  it('a field the server refuses is shown at the field', async () => {
    const { user } = await section('acme');
    await user.type(screen.getByLabelText(label.downstreamUrl), 'https://refused-by-server.example.com');
    await user.type(screen.getByLabelText(label.downstreamToken), 'abc');
    await user.click(button(label.enableOutbound));
    await waitFor(() =>
      expect(screen.getByLabelText(label.downstreamUrl)).toHaveAccessibleDescription(urlFault.refused),
    );
  });

  it('a port is the server’s to judge, and its refusal names the part at the field', async () => {
    const { user } = await section('acme');
    const field = screen.getByLabelText(label.downstreamUrl);
    await user.type(field, 'https://good.example.com:8443/scim/v2');
    await user.type(screen.getByLabelText(label.downstreamToken), 'abc');
    await user.click(button(label.enableOutbound));
    await waitFor(() => expect(field).toHaveAccessibleDescription(urlFault.port));
    expect(field).toHaveFocus();
    // One of this deployment's, which no list here knows.
    await user.clear(field);
    await user.type(field, 'https://good.example.com:9443/scim/v2');
    await user.click(button(label.enableOutbound));
    expect(await screen.findByLabelText(outbound.endpoint)).toHaveValue('https://good.example.com:9443/scim/v2');
  });

  it('a custom domain added later: the new URL, and the earlier one stays valid', async () => {
    await section('globex');
    expect(screen.getByText(/The earlier URL stays valid/)).toHaveTextContent(
      'https://identity-0.kevra.app/realms/globex/scim/v2',
    );
  });

  it('outbound Disable that fails leaves it enabled, with an error', async () => {
    once('post', 'outbound/disable', () => refuse('unavailable', 503));
    const { user } = await section('globex');
    await user.click(panel('outbound').getByRole('button', { name: label.disable }));
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: label.disable }));
    expect(await panel('outbound').findByText(outbound.disableFailed)).toHaveFocus();
    expect(panel('outbound').getByText('Enabled', { selector: '.kv-badge' })).toBeVisible();
  });

  it.each([
    [label.rotate, 'rotate', 'stays valid', '9vXc'],
    [label.disable, 'disable', 'stays enabled', '9vXc'],
  ])('%s that is refused changes nothing and says why; inbound is enabled as before', async (name, call, _, hint) => {
    once('post', `inbound/${call}`, () => refuse('unavailable', 503));
    // What a refusal of this kind leaves open is looked up: nothing has changed.
    const { user } = await section('globex');
    await user.click(panel('inbound').getByRole('button', { name }));
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name }));
    expect(await panel('inbound').findByRole('alert')).toHaveTextContent(inbound.unchanged);
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(panel('inbound').getByText('Enabled', { selector: '.kv-badge' })).toBeVisible();
    expect(panel('inbound').getByText(`…${hint}`)).toBeVisible();
  });

  it('the revealed token leaves when the page was out of sight for more than five minutes', async () => {
    const { user, container } = await section('acme');
    const token = await reveal(user);
    await user.click(button(label.show));
    const start = Date.now();
    const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
    fireEvent(document, new Event('visibilitychange'));
    vi.spyOn(Date, 'now').mockReturnValue(start + 5 * 60_000 + 1000);
    hidden.mockReturnValue(false);
    fireEvent(document, new Event('visibilitychange'));
    expect(await screen.findByText(inbound.hiddenTooLong)).toBeVisible();
    expect(container.innerHTML).not.toContain(token);
  });

  it('so does a token whose answer came when the page was out of sight already', async () => {
    const { user, container } = await section('acme');
    const start = Date.now();
    const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
    const token = await reveal(user);
    vi.spyOn(Date, 'now').mockReturnValue(start + 6 * 60_000);
    hidden.mockReturnValue(false);
    fireEvent(document, new Event('visibilitychange'));
    expect(await screen.findByText(inbound.hiddenTooLong)).toBeVisible();
    expect(container.innerHTML).not.toContain(token);
  });

  it('another tenant in the same place does not show the first one’s token', async () => {
    const { user, rerender, container } = await section('acme');
    const token = await reveal(user);
    await user.click(button(label.show));
    rerender(<IdentitySync tenant="umbrella" getToken={async () => operator()} />);
    await screen.findByText(/Paused: downstream answers/);
    expect(container.innerHTML).not.toContain(token);
  });
});

describe('states', () => {
  it('loading: a skeleton', async () => {
    render(<IdentitySync tenant="acme" getToken={async () => operator()} />);
    expect(screen.getByRole('status', { name: 'Loading…' })).toBeInTheDocument();
    await screen.findByRole('region', { name: label.inbound });
  });

  it('load failed: says why, and Try again helps', async () => {
    once('get', 'identity-sync', () => refuse('unavailable', 503));
    const onError = vi.fn();
    render(<IdentitySync tenant="acme" getToken={async () => operator()} onError={onError} />);
    expect(await screen.findByRole('alert')).toHaveTextContent('The service is not available.');
    expect(onError).toHaveBeenCalledWith({ code: 'unavailable' });
    await userEvent.click(button('Try again'));
    expect(await screen.findByRole('region', { name: label.inbound })).toBeVisible();
  });

  it('a load that fails later keeps what is there, and says so', async () => {
    await section('acme');
    once('get', 'identity-sync', () => HttpResponse.error());
    fireEvent(document, new Event('visibilitychange'));
    expect(await screen.findByText(sync.lost)).toBeVisible();
    expect(button(label.enableInbound)).toBeEnabled();
    fireEvent(document, new Event('visibilitychange'));
    await waitFor(() => expect(screen.queryByText(sync.lost)).toBeNull());
  });

  it('a refusal is told to the host by its code alone', async () => {
    const onError = vi.fn();
    const { user } = await section('acme', { onError });
    once('post', 'inbound/enable', () => refuse('forbidden', 403));
    await user.click(button(label.enableInbound));
    await waitFor(() => expect(onError.mock.calls).toEqual([[{ code: 'forbidden' }]]));
  });

  it('session ended: calm, and tells the host', async () => {
    const onSessionEnded = vi.fn();
    const { user } = await section('acme', { onSessionEnded });
    once('post', 'inbound/enable', () => refuse('unauthorized', 401));
    await user.click(button(label.enableInbound));
    expect(await screen.findByText(sync.ended)).toBeVisible();
    expect(onSessionEnded).toHaveBeenCalledTimes(1);
    expect(screen.queryByRole('region', { name: label.inbound })).toBeNull();
  });

  it.each([
    'acme',
    'globex',
  ])('read-only without sync:write (%s): everything is seen, nothing can be pressed', async tenant => {
    await section(tenant, { getToken: async () => operator({ scope: 'sync:read' }) });
    expect(screen.getByText(sync.readOnly)).toBeVisible();
    for (const name of [
      label.enableInbound,
      label.enableOutbound,
      label.rotate,
      label.disable,
      label.testUser,
      label.retry,
      label.dryRun,
    ]) {
      expect(screen.queryByRole('button', { name })).toBeNull();
    }
  });

  it('forbidden by the server: says so', async () => {
    once('post', 'inbound/enable', () => refuse('forbidden', 403));
    const { user } = await section('acme');
    await user.click(button(label.enableInbound));
    expect(await panel('inbound').findByRole('alert')).toHaveTextContent('You do not have the right to do this.');
  });

  it('busy: the pressed button keeps its label and is disabled; nothing is shown before the answer', async () => {
    let answer = (_: Response) => {};
    once('post', 'inbound/enable', () => new Promise<Response>(resolve => (answer = resolve)));
    const { user } = await section('acme');
    await user.click(button(label.enableInbound));
    expect(button(label.enableInbound)).toBeDisabled();
    expect(button(label.enableInbound)).toHaveAttribute('aria-busy', 'true');
    expect(panel('inbound').getByText('Disabled')).toBeVisible();
    answer(refuse('internal', 500));
    await panel('inbound').findByRole('alert');
  });

  it.each([
    [label.rotate, 'inbound/rotate', 'inbound'],
    [label.disable, 'inbound/disable', 'inbound'],
    [label.disable, 'outbound/disable', 'outbound'],
  ] as const)('busy in the dialog (%s, %s): it cannot be left, pressed again or hidden until the answer', async (name, path, at) => {
    let answer = (_: Response) => {};
    let asked = 0;
    once('post', path, () => {
      asked++;
      return new Promise<Response>(resolve => (answer = resolve));
    });
    const { user } = await section('globex');
    await user.click(panel(at).getByRole('button', { name }));
    const dialog = screen.getByRole('dialog');
    const pressed = within(dialog).getByRole('button', { name });
    await user.click(pressed);
    expect(pressed).toBeDisabled();
    expect(pressed).toHaveAttribute('aria-busy', 'true');
    expect(within(dialog).getByRole('button', { name: label.cancel })).toBeDisabled();
    fireEvent(dialog, new Event('cancel', { cancelable: true }));
    fireEvent.click(pressed);
    expect(screen.getByRole('dialog')).toBeVisible();
    expect(panel(at).getByText('Enabled', { selector: '.kv-badge' })).toBeVisible();
    expect(asked).toBe(1);
    answer(refuse('realm_refused', 422));
    expect(await panel(at).findByRole('alert')).toHaveTextContent('The realm could not be set up.');
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('403 on load: says that the right is missing, and shows no panel', async () => {
    once('get', 'identity-sync', () => refuse('forbidden', 403));
    const onError = vi.fn();
    render(<IdentitySync tenant="acme" getToken={async () => operator()} onError={onError} />);
    expect(await screen.findByRole('alert')).toHaveTextContent('You do not have the right to do this.');
    expect(screen.queryByRole('region', { name: label.inbound })).toBeNull();
    expect(onError).toHaveBeenCalledWith({ code: 'forbidden' });
  });

  it('probing: says what is being checked', async () => {
    let answer = (_: Response) => {};
    once('post', 'outbound/enable', () => new Promise<Response>(resolve => (answer = resolve)));
    const { user } = await section('acme');
    await user.type(screen.getByLabelText(label.downstreamUrl), 'https://a.example.com/scim/v2/');
    await user.type(screen.getByLabelText(label.downstreamToken), 'abc');
    await user.click(button(label.enableOutbound));
    expect(await screen.findByText('Checking https://a.example.com/scim/v2/ServiceProviderConfig')).toBeVisible();
    answer(refuse('downstream_timeout', 422, { probe: { url: 'x', elapsed_ms: 10_000 } }));
    await panel('outbound').findByRole('alert');
  });

  it('a change by somebody else is announced once, and told to the host', async () => {
    const onChanged = vi.fn();
    const { user } = await section('acme', { onChanged });
    await reveal(user);
    await waitFor(() => expect(onChanged).toHaveBeenCalledWith({ direction: 'inbound', status: 'enabled' }));
    expect(screen.getByText('Inbound SCIM: Enabled').parentElement).toHaveAttribute('aria-live', 'polite');
    expect(JSON.stringify(onChanged.mock.calls)).not.toContain('kvs_');
  });
});

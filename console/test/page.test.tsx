import { fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { HttpResponse, http } from 'msw';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { World } from '../e2e/world.mjs';
import { App } from '../src/page/App';
import { place } from '../src/page/router';
import { label, page, people } from '../src/strings';
import { button, once, panel } from './harness';
import { server, world } from './setup';

let codes = 0;

/** Opens the page at a path with a fresh sign-in link. */
async function open(path: string, code = 'CODE') {
  codes++;
  history.replaceState(null, '', `${path}#code=${code}-${codes}`);
  const user = userEvent.setup();
  const view = render(<App />);
  return { user, ...view };
}

beforeEach(() => {
  server.use(http.get('*/console/config.json', () => HttpResponse.json({ demo: false })));
});
afterEach(() => history.replaceState(null, '', '/console/'));

describe('the standalone page', () => {
  it('row 1: stands by itself as the console', async () => {
    await open('/console/');
    expect(await screen.findByRole('heading', { level: 1, name: 'Deployments' })).toBeVisible();
    expect(screen.getByText('Kevra')).toBeVisible();
  });

  it('asks for its next token before the one it has ends, once', async () => {
    world.offersCodes = true;
    await open('/console/tenants/acme', 'BRIEF');
    await screen.findByRole('region', { name: label.inbound });
    const asked = (path: string) => world.calls.filter(call => call.path === path).length;
    expect([asked('/console/session'), asked('/console/code')]).toEqual([2, 1]);
  });

  it('row 2: Deployments, then the tenant, with a breadcrumb; the panels are on the tenant’s page', async () => {
    const { user } = await open('/console/');
    await user.click(await screen.findByRole('link', { name: /Acme/ }));
    expect(location.pathname).toBe('/console/tenants/acme');
    expect(screen.getByRole('main')).toHaveFocus();
    const crumbs = within(screen.getByRole('navigation', { name: 'Breadcrumb' }));
    expect(
      crumbs
        .getAllByRole('listitem')
        .map(item => item.textContent)
        .join(''),
    ).toBe('Deployments / acme');
    expect(await screen.findByRole('region', { name: label.inbound })).toBeVisible();
    expect(crumbs.getByRole('link', { name: 'Deployments' })).toHaveAttribute('href', '/console/');
  });

  it('row 3: one heading, Identity sync (SCIM 2.0), with both panels under it', async () => {
    await open('/console/tenants/acme');
    await screen.findByRole('region', { name: label.inbound });
    const headings = screen.getAllByRole('heading').map(heading => heading.textContent);
    expect(headings.filter(text => text === 'Identity sync (SCIM 2.0)')).toHaveLength(1);
    const order = ['Acme', 'Identity sync (SCIM 2.0)', 'Inbound SCIM', 'Outbound SCIM', 'Recent activity'];
    expect(headings.filter(text => order.includes(text ?? ''))).toEqual(order);
  });

  it('row 4: Open Admin Console opens the realm’s admin console', async () => {
    await open('/console/tenants/acme');
    await screen.findByRole('region', { name: label.inbound });
    const link = screen.getByRole('link', { name: /Open Admin Console/ });
    expect(link).toHaveAttribute('href', 'https://identity-0.kevra.app/admin/acme/console/');
    expect(link).toHaveAttribute('target', '_blank');
  });

  it('row 5, row 6: the panels Inbound SCIM and Outbound SCIM', async () => {
    await open('/console/tenants/acme');
    expect(await screen.findByRole('region', { name: 'Inbound SCIM' })).toBeVisible();
    expect(screen.getByRole('region', { name: 'Outbound SCIM' })).toBeVisible();
  });

  it('row 7: outbound leads to setting up inbound', async () => {
    const { user } = await open('/console/tenants/acme');
    await screen.findByRole('region', { name: label.inbound });
    await user.click(panel('outbound').getByRole('link', { name: /set up inbound/ }));
    await waitFor(() => expect(panel('inbound').getByRole('heading', { name: label.inbound })).toHaveFocus());
  });

  it('takes the code out of the address at once and keeps the token in memory only', async () => {
    await open('/console/');
    expect(location.hash).toBe('');
    await screen.findByRole('link', { name: /Acme/ });
    expect(localStorage.length + sessionStorage.length).toBe(0);
    expect(document.cookie).toBe('');
    expect(location.href).not.toContain('code');
  });

  const config = (answer: () => Response) => server.use(http.get('*/console/config.json', answer));

  it.each([
    ['in the demo', () => HttpResponse.json({ demo: true }), page.signedOut, page.endedText],
    ['where the server does not answer', () => HttpResponse.error(), page.signedOut, page.endedText],
    ['in production', () => HttpResponse.json({ demo: false }), page.noSignIn, page.noSignInText],
  ])('without a code, %s: a calm page that promises only what there is', async (where, answer, title, text) => {
    config(answer);
    history.replaceState(null, '', '/console/tenants/acme');
    render(<App />);
    expect(await screen.findByRole('heading', { name: title })).toBeVisible();
    expect(screen.getByText(text)).toBeVisible();
    expect(screen.queryAllByText(page.demoText)).toHaveLength(where === 'in the demo' ? 1 : 0);
  });

  it('a used code: says so', async () => {
    config(() => HttpResponse.json({ demo: true }));
    await open('/console/', 'WRONG');
    expect(await screen.findByRole('heading', { name: page.codeFailed })).toBeVisible();
  });

  it('the session’s end: a calm page, and a new link in the same tab goes on', async () => {
    config(() => HttpResponse.json({ demo: true }));
    await open('/console/tenants/acme', 'SHORT');
    await screen.findByRole('region', { name: label.inbound });
    world.handle = async () => new Response(null, { status: 401 });
    await userEvent.click(button(label.enableInbound));
    expect(await screen.findByRole('heading', { name: page.endedTitle })).toBeVisible();
    expect(screen.getByRole('main')).toHaveFocus();
    world.handle = World.prototype.handle;
    codes++;
    location.hash = `#code=CODE-${codes}`;
    dispatchEvent(new Event('hashchange'));
    expect(await screen.findByRole('region', { name: label.inbound })).toBeVisible();
  });

  it('demo: a thin bar, and the form is filled in', async () => {
    server.use(
      http.get('*/console/config.json', () =>
        HttpResponse.json({ demo: true, downstream_url: 'http://127.0.0.1:8090/scim/v2', downstream_token: 'demo' }),
      ),
    );
    await open('/console/tenants/acme');
    expect(await screen.findByText('Demo data. Nothing here is real.')).toBeVisible();
    expect(await screen.findByLabelText(label.downstreamUrl)).toHaveValue('http://127.0.0.1:8090/scim/v2');
    expect(screen.getByLabelText(label.downstreamToken)).toHaveValue('demo');
    await userEvent.clear(screen.getByLabelText(label.downstreamUrl));
    await userEvent.click(button(label.pause));
    expect(screen.getByLabelText(label.downstreamUrl)).toHaveValue('');
  });

  it('no demo: no bar', async () => {
    await open('/console/');
    await screen.findByRole('link', { name: /Acme/ });
    expect(screen.queryByText(page.demo)).toBeNull();
  });

  it('ten thousand tenants: pages of 25, and a search', async () => {
    Object.assign(world, new World({ many: 10_000 }));
    const { user } = await open('/console/');
    expect(await screen.findByText('1–25 of 10,000')).toBeVisible();
    await user.click(button('Next'));
    expect(await screen.findByText('26–50 of 10,000')).toBeVisible();
    expect(location.search).toBe('?offset=25');
    await user.type(screen.getByLabelText(page.search), 'globex');
    expect(await screen.findByText('1–1 of 1')).toBeVisible();
    expect(location.search).toBe('?search=globex');
    await user.type(screen.getByLabelText(page.search), 'zzz');
    expect(await screen.findByText(page.noMatch)).toBeVisible();
  });

  it('no tenants yet: says what will appear', async () => {
    world.tenants.clear();
    await open('/console/');
    expect(await screen.findByText(page.noTenants)).toBeVisible();
  });

  it('an unknown tenant: says so, without a Retry that cannot help', async () => {
    await open('/console/tenants/nobody');
    expect(await screen.findByText(/no such tenant/)).toBeVisible();
    expect(screen.queryByRole('button', { name: 'Try again' })).toBeNull();
  });

  it('finds its place from the address', () => {
    expect(place('/console/')).toEqual({ at: 'list' });
    expect(place('/console/tenants/acme')).toEqual({ at: 'tenant', slug: 'acme' });
    expect(place('/console/tenants/a%20b/people')).toEqual({ at: 'people', slug: 'a b' });
  });
});

describe('the people of an embedded realm', () => {
  it('are where Open Admin Console leads to', async () => {
    const { user } = await open('/console/tenants/initech');
    await screen.findByRole('region', { name: label.inbound });
    await user.click(screen.getByRole('link', { name: label.adminConsole }));
    expect(location.pathname).toBe('/console/tenants/initech/people');
    expect(await screen.findByText('دانا', { selector: '.kv-strong' })).toBeVisible();
  });

  it('can be created, edited, disabled and enabled', async () => {
    const { user } = await open('/console/tenants/initech/people');
    await user.click(await screen.findByRole('button', { name: people.create }));
    await user.click(button('Save'));
    expect(screen.getByLabelText(people.username)).toHaveAccessibleDescription(people.needName);
    expect(screen.getByLabelText(people.username)).toHaveFocus();
    await user.type(screen.getByLabelText(people.username), 'grace');
    await user.type(screen.getByLabelText(people.first), 'Grace');
    await user.click(button('Save'));
    await screen.findByText('grace');
    await user.click(button('Edit grace'));
    await user.type(screen.getByLabelText(people.email), 'grace@initech.example');
    await user.click(button('Save'));
    await screen.findByText('grace@initech.example');
    await user.click(button('Disable grace'));
    await user.click(await screen.findByRole('button', { name: 'Enable grace' }));
    await screen.findByRole('button', { name: 'Disable grace' });
    const { id: _, ...grace } = world.of('initech').people.at(-1) as { id: string };
    expect(grace).toEqual({
      username: 'grace',
      email: 'grace@initech.example',
      first_name: 'Grace',
      last_name: null,
      enabled: true,
    });
  });

  it('a taken name is said in the dialog, which stays until then', async () => {
    let go = () => {};
    const gone = new Promise<void>(resolve => (go = resolve));
    once('post', 'realm-users', async request => {
      await gone;
      return world.handle(request.clone());
    });
    const { user } = await open('/console/tenants/initech/people');
    await user.click(await screen.findByRole('button', { name: people.create }));
    await user.type(screen.getByLabelText(people.username), 'ada');
    await user.click(button('Save'));
    const dialog = within(screen.getByRole('dialog'));
    expect(dialog.getByRole('button', { name: label.cancel })).toBeDisabled();
    fireEvent(screen.getByRole('dialog'), new Event('cancel', { cancelable: true }));
    go();
    expect(await dialog.findByRole('alert')).toHaveTextContent('This name is taken.');
    expect(dialog.getByText('This name is taken.')).toHaveFocus();
  });

  it('without the right realm:write: says so', async () => {
    await open('/console/tenants/initech/people', 'READ');
    expect(await screen.findByRole('alert')).toHaveTextContent(people.forbidden);
  });
});

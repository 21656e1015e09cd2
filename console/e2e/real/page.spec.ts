import type { Locator } from '@playwright/test';
import { shifts, watchShifts } from '../shifts';
import { whole } from '../whole';
import { everything, expect, kept, region, step, test, until } from './fixtures';
import { Entra } from './idp';
import { inboundOn, outboundOn } from './on';

// What is the page's alone; the element has neither a list nor people.

test('Deployments leads to the tenant, and Open Admin Console to the people of its embedded realm', async ({
  page,
  tenant,
  installation,
}) => {
  const { downstream } = installation;
  const person = `ada@${tenant.slug}.test`;
  const outbound = region(page, 'Outbound SCIM');
  await step(page, 'Deployments, then the tenant', async () => {
    await tenant.open(page);
    await page.getByRole('link', { name: 'Deployments' }).click();
    await page.getByLabel('Search tenants').fill(tenant.slug);
    await page.getByRole('link', { name: new RegExp(tenant.slug) }).click();
    await expect(page.getByRole('heading', { name: `Tenant ${tenant.slug}`, exact: true })).toBeVisible();
  });
  await step(page, 'the demo fills the form in', async () => {
    await expect(outbound.getByLabel('Downstream SCIM base URL')).toHaveValue(downstream.url);
    await outbound.getByRole('button', { name: 'Enable outbound SCIM' }).click();
    await expect(outbound.getByText('Enabled', { exact: true })).toBeVisible();
  });
  await step(page, 'New user', async () => {
    await page.getByRole('link', { name: 'Open Admin Console' }).click();
    await expect(page.getByText('No users yet')).toBeVisible();
    await page.getByRole('button', { name: 'New user' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('User name').fill(person);
    await dialog.getByLabel('E-mail').fill(person);
    await dialog.getByLabel('First name').fill('Ada');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByRole('listitem').filter({ hasText: person })).toContainText('Enabled');
    await until('the downstream', async () => (await kept(downstream, person))?.active);
  });
  await step(page, 'a name that is taken is refused in the dialog', async () => {
    await page.getByRole('button', { name: 'New user' }).click();
    await page.getByRole('dialog').getByLabel('User name').fill(person);
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await expect(page.getByRole('dialog').getByRole('alert')).toHaveText('This name is taken.');
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  });
  await step(page, 'Edit, then Disable', async () => {
    await page.getByRole('button', { name: `Edit ${person}` }).click();
    await page.getByRole('dialog').getByLabel('Last name').fill('Lovelace');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('Ada Lovelace')).toBeVisible();
    await page.getByRole('button', { name: `Disable ${person}` }).click();
    await expect(page.getByRole('listitem').filter({ hasText: person })).toContainText('Disabled');
    await until('the downstream', async () => (await kept(downstream, person))?.active === false);
  });
  await step(page, 'the way back', async () => {
    await page.getByRole('link', { name: tenant.slug }).click();
    const rows = region(page, 'Recent activity').getByRole('button', { name: new RegExp(`Out .*${person}`) });
    await expect(rows.first()).toBeVisible();
  });
});

test('a sign-in code works once', async ({ page, tenant, browser }) => {
  await tenant.open(page);
  await expect(region(page, 'Inbound SCIM')).toBeVisible();
  expect(page.url()).not.toContain('code');
  const other = await (await browser.newContext()).newPage();
  const signedIn = other.waitForRequest('**/console/session');
  await tenant.open(other);
  const { code } = (await signedIn).postDataJSON() as { code: string };
  await expect(region(other, 'Inbound SCIM')).toBeVisible();
  await other.goto(`${new URL(page.url()).origin}/console/#code=${code}`);
  await expect(other.getByRole('heading', { name: /link was used already/ })).toBeVisible();
  await other.reload();
  await expect(other.getByRole('heading', { name: 'Sign in to go on', exact: true })).toBeVisible();
  await other.context().close();
});

test('every file of the page comes from control, under its headers', async ({ page, tenant, installation }) => {
  const seen = new Map<string, Record<string, string>>();
  page.on('response', response => seen.set(new URL(response.url()).pathname, response.headers()));
  await tenant.open(page);
  await expect(region(page, 'Inbound SCIM')).toBeVisible();
  const [assets, rest] = [...seen].reduce<[string[], string[]]>(
    ([hashed, other], [path]) => (path.includes('/assets/') ? [[...hashed, path], other] : [hashed, [...other, path]]),
    [[], []],
  );
  expect(assets.length).toBeGreaterThan(1);
  for (const path of assets) expect(seen.get(path)?.['cache-control']).toContain('immutable');
  for (const path of assets) expect(seen.get(path)?.['content-encoding']).toBe('gzip');
  for (const path of rest) expect(seen.get(path)?.['cache-control'] ?? '').not.toContain('immutable');
  const document = seen.get(`/console/tenants/${tenant.slug}`);
  expect(document?.['content-security-policy']).toContain("script-src 'self'; style-src 'self'");
  expect(installation.controlUrl).toBe(new URL(page.url()).origin);
});

test('from the first paint on nothing moves: the list, a tenant with everything off, one in use, its people', async ({
  page,
  tenant,
  installation,
}) => {
  const activity = region(page, 'Recent activity');
  const pushed = activity.getByRole('button', { name: /Out POST \/Users 201/ });
  const tops = () =>
    page.locator('.kv-panel').evaluateAll(all => all.map(one => Math.round(one.getBoundingClientRect().top)));
  /** Opens it anew; its answer comes when what stands in for it has been painted. */
  const still = async (call: string, at: string, ...there: Locator[]) => {
    await page.goto('about:blank');
    let before: number[] = [];
    await page.route(call, async route => {
      await expect(page.getByRole('status', { name: 'Loading…' })).toBeVisible();
      before = await tops();
      await route.continue();
    });
    await tenant.open(page, undefined, { at });
    for (const one of there) await expect(one).toBeVisible();
    expect(await shifts(page)).toEqual({ value: 0, moved: [] });
    await page.unroute(call);
    return { before, after: await tops() };
  };
  await watchShifts(page);
  // An age that grows moves the words behind it, and is nobody's layout.
  await page.clock.setFixedTime(new Date());
  // All of it in sight: what moves below the window is not counted.
  await page.setViewportSize({ width: 1120, height: 1600 });
  const live = activity.getByText('Live', { exact: true });
  await step(page, 'the list', async () => {
    await still('**/v1/tenants?*', '', page.getByRole('link', { name: new RegExp(tenant.slug) }));
  });
  await step(page, 'off: each panel stands where the one in its place stood', async () => {
    const nothing = activity.getByText('Nothing has happened yet');
    const { before, after } = await still('**/identity-sync', `tenants/${tenant.slug}`, nothing, live);
    expect(before).toHaveLength(3);
    for (const [at, top] of before.entries()) expect(Math.abs(top - (after[at] ?? 0))).toBeLessThanOrEqual(4);
  });
  await outboundOn(page, installation.downstream);
  const entra = new Entra(tenant.baseUrl, await inboundOn(page));
  expect((await entra.provision(`ada@${tenant.slug}.test`, 'Ada', 'Lovelace')).status).toBe(201);
  await expect(pushed).toBeVisible();
  await step(page, 'in use', async () => {
    await still('**/identity-sync', `tenants/${tenant.slug}`, pushed, live);
  });
  await step(page, 'people', async () => {
    await still('**/realm-users', `tenants/${tenant.slug}/people`, page.getByRole('button', { name: /^Edit ada/ }));
  });
});

test('320 px: the list, the people, a dialog of theirs and the end of the session are whole', async ({
  page,
  tenant,
}) => {
  await page.setViewportSize({ width: 320, height: 640 });
  await step(page, 'the list', async () => {
    await tenant.open(page, undefined, { at: '' });
    await expect(page.getByRole('link', { name: new RegExp(tenant.slug) })).toBeVisible();
    await whole(page);
  });
  await step(page, 'people', async () => {
    await page.goto('about:blank');
    await tenant.open(page, undefined, { at: `tenants/${tenant.slug}/people` });
    await page.getByRole('button', { name: 'New user' }).click();
    await whole(page);
    await page.getByRole('dialog').getByLabel('User name').fill(`somebody.with.a.long.name@${tenant.slug}.test`);
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('somebody.with')).toBeVisible();
    await whole(page);
  });
  await step(page, 'without a session', async () => {
    await page.reload();
    await expect(page.getByRole('heading', { name: 'Sign in to go on', exact: true })).toBeVisible();
    await whole(page);
  });
});

test('the session ends when its token does: a calm page, and the token on show is nowhere', async ({
  page,
  tenant,
}) => {
  await page.clock.install();
  const signedIn = page.waitForResponse('**/console/session');
  await tenant.open(page);
  const { token } = (await (await signedIn).json()) as { token: string };
  const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp: number };
  const secret = await inboundOn(page);
  // Control goes by another clock than the page, and would give the next token for one that is good there.
  await page.route('**/console/code', route => route.fulfill({ status: 204 }));
  await step(page, 'when it has ended', async () => {
    // A second more: in the last one the token is still good, and the next look is far away.
    await page.clock.fastForward(exp * 1000 - Date.now() + 1000);
    await expect(page.getByRole('heading', { name: 'Your session has ended', exact: true })).toBeVisible();
    expect(await everything(page)).not.toContain(secret);
  });
  await test.step('the token works on: it was the session that ended', async () => {
    expect((await new Entra(tenant.baseUrl, secret).testConnection()).status).toBe(200);
  });
});

import { expect, kept, region, step, test, until } from './fixtures';

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
    await expect(page.getByRole('heading', { name: `Tenant ${tenant.slug}` })).toBeVisible();
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
  await expect(other.getByRole('heading', { name: 'Sign in to go on' })).toBeVisible();
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

import { everything, expect, kept, region, step, test, until } from './fixtures';
import { Entra, Okta } from './idp';
import { call, type Kept } from './installation';

// The steps of docs/guides/inbound.md and outbound.md, done on the product with scripted clients for Okta and Entra ID: each
// numbered item of a guide is a step here, named by its first sentence and in the guide's order. test/words.test.tsx holds
// the two together.

test('guide: inbound, with Okta and Entra ID', async ({ page, context, tenant, kind }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  const inbound = region(page, 'Inbound SCIM');
  const activity = region(page, 'Recent activity');
  let okta: Okta;
  let entra: Entra;
  let secret = '';

  await step(
    page,
    'In the console, open Deployments, then your tenant, and go to Identity sync (SCIM 2.0)',
    async () => {
      await tenant.open(page);
      await expect(page.getByRole('heading', { name: 'Identity sync (SCIM 2.0)', exact: true })).toBeVisible();
      await expect(inbound.getByText('Disabled', { exact: true })).toBeVisible();
    },
  );
  await step(page, 'In Inbound SCIM, press Enable inbound SCIM', async () => {
    await inbound.getByRole('button', { name: 'Enable inbound SCIM' }).click();
    await expect(inbound.getByText('Enabled', { exact: true })).toBeVisible();
    await expect(inbound.getByRole('button', { name: 'Copy token' })).toBeFocused();
  });
  await step(page, 'Press Copy token, or Copy for Okta to have the word Bearer in front', async () => {
    await inbound.getByRole('button', { name: 'Copy token' }).click();
    await expect(inbound.getByRole('button', { name: 'Copied' })).toBeVisible();
    secret = await clipboard();
    expect(secret).toMatch(/^kvs_/);
    expect(await everything(page)).not.toContain(secret);
    await inbound.getByRole('button', { name: 'Copy for Okta' }).click();
    await expect.poll(clipboard).toBe(`Bearer ${secret}`);
  });
  await step(page, 'Press Done, and copy the SCIM base URL', async () => {
    const prefixed = await clipboard();
    await inbound.getByRole('button', { name: 'Done' }).click();
    await expect(inbound.getByText('Your bearer token')).toBeHidden();
    expect(await everything(page)).not.toContain(secret);
    await inbound.getByRole('button', { name: 'Copy SCIM base URL' }).click();
    await expect.poll(clipboard).toBe(tenant.baseUrl);
    okta = new Okta(await clipboard(), prefixed);
    entra = new Entra(await clipboard(), secret);
  });
  await step(page, 'Open Set up your IdP and follow the steps for yours', async () => {
    await inbound.getByText('Set up your IdP').click();
    await inbound.getByRole('tab', { name: 'Okta' }).click();
    await expect(inbound.getByRole('tabpanel')).toContainText(tenant.baseUrl);
  });
  await step(page, "Run your IdP's connection test", async () => {
    expect((await okta.testCredentials()).status).toBe(200);
    expect((await entra.testConnection()).body.totalResults).toBe(0);
    const accepted = inbound.locator('dt', { hasText: 'Last accepted request' }).locator('+ dd');
    await expect(accepted).toContainText('GET /Users');
  });
  await step(page, 'Assign one person and watch Recent activity', async () => {
    expect((await okta.assign('ada@acme.test', 'Ada', 'Lovelace')).status).toBe(201);
    expect((await entra.provision('grace@acme.test', 'Grace', 'Hopper')).status).toBe(201);
    await expect(activity.getByRole('button', { name: /In POST \/Users 201.*ada@acme\.test/ })).toBeVisible();
    await expect(activity.getByRole('button', { name: /In POST \/Users 201.*grace@acme\.test/ })).toBeVisible();
  });
  await step(page, 'Press Open Admin Console and open Users', async () => {
    // The page has the link; in another console's page that console has it.
    if (kind === 'embedded') await expect(page.getByRole('link', { name: /Open Admin Console/ })).toBeVisible();
    const { roles: _, ...person } = (await tenant.person('ada@acme.test')) ?? { enabled: false };
    expect(person).toEqual({ email: 'ada@acme.test', firstName: 'Ada', lastName: 'Lovelace', enabled: true });
  });
  await step(page, 'Role mappings shows the realm role scim-managed', async () => {
    // An embedded realm has no roles.
    const { roles } = (await tenant.person('ada@acme.test')) ?? {};
    if (roles) expect(roles).toContain('scim-managed');
  });
  await step(page, 'Deactivate the person in your IdP', async () => {
    const found = await okta.assign('ada@acme.test', 'Ada', 'Lovelace');
    await okta.updateProfile(found.body.Resources[0].id, 'King');
    await okta.activate(found.body.Resources[0].id, false);
    expect(await tenant.person('ada@acme.test')).toMatchObject({ lastName: 'King', enabled: false });
    const grace = await entra.provision('grace@acme.test', 'Grace', 'Hopper');
    expect((await entra.disable(grace.body.Resources[0].id)).status).toBe(200);
    expect(await tenant.person('grace@acme.test')).toMatchObject({ enabled: false });
  });
  await step(page, 'The IdP reports 401: Last rejected request says why', async () => {
    expect((await new Okta(tenant.baseUrl, secret).testCredentials()).status).toBe(401);
    await expect(inbound.getByText(/No “Bearer” before the token/).first()).toBeVisible();
    await expect(activity.getByRole('button', { name: /401.*Token refused.*No “Bearer”/ })).toBeVisible();
    expect((await new Entra(tenant.baseUrl, `Bearer ${secret}`).testConnection()).status).toBe(401);
    await expect(activity.getByRole('button', { name: /401.*Token refused.*Doubled “Bearer”/ })).toBeVisible();
  });
  await step(page, 'Press Rotate token and confirm', async () => {
    await inbound.getByRole('button', { name: 'Rotate token' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate token' }).click();
    await expect(inbound.getByRole('button', { name: 'Copy token' })).toBeFocused();
    expect((await entra.testConnection()).status).toBe(401);
  });
  await step(page, 'Put the new one into your IdP before its next provisioning cycle', async () => {
    await inbound.getByRole('button', { name: 'Copy token' }).click();
    await expect(inbound.getByRole('button', { name: 'Copied' })).toBeVisible();
    entra = new Entra(tenant.baseUrl, await clipboard());
    expect((await entra.testConnection()).status).toBe(200);
    await inbound.getByRole('button', { name: 'Done' }).click();
  });
  await step(page, 'Press Disable and confirm', async () => {
    await inbound.getByRole('button', { name: 'Disable' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    await expect(inbound.getByText('Disabled', { exact: true })).toBeVisible();
    await expect(inbound.getByText(/the old one stays dead/)).toBeVisible();
    expect((await entra.testConnection()).status).toBe(401);
  });
  await step(page, 'Enable inbound SCIM makes a new token', async () => {
    await inbound.getByRole('button', { name: 'Enable inbound SCIM' }).click();
    await inbound.getByRole('button', { name: 'Copy token' }).click();
    await expect(inbound.getByRole('button', { name: 'Copied' })).toBeVisible();
    expect((await entra.testConnection()).status).toBe(401);
    expect((await new Entra(tenant.baseUrl, await clipboard()).testConnection()).status).toBe(200);
  });
});

test('guide: outbound', async ({ page, tenant, installation }) => {
  const outbound = region(page, 'Outbound SCIM');
  const activity = region(page, 'Recent activity');
  const url = outbound.getByLabel('Downstream SCIM base URL');
  const token = outbound.getByLabel('Downstream bearer token');
  const { downstream } = installation;
  const person = `alan@${tenant.slug}.test`;
  let okta: Okta;

  // Not on a page of ours yet.
  await test.step('In the downstream app, turn on SCIM and make a bearer token for it', async () => {
    const head = { authorization: `Bearer ${downstream.token}` };
    expect((await fetch(`${downstream.url}/ServiceProviderConfig`, { headers: head })).status).toBe(200);
  });
  await step(page, 'In the console, open Deployments, then your tenant, and go to Outbound SCIM', async () => {
    await tenant.open(page);
    await expect(outbound.getByText('Disabled', { exact: true })).toBeVisible();
    await expect(outbound.getByText('Hard deletes are not propagated.')).toBeVisible();
  });
  await step(page, 'Fill in Downstream SCIM base URL and Downstream bearer token', async () => {
    await url.fill(downstream.url);
    await token.fill('Bearer wrong');
    await expect(outbound.getByText('We add Bearer for you.')).toBeVisible();
  });
  await step(page, 'Press Test connection to check without saving', async () => {
    await outbound.getByRole('button', { name: 'Test connection' }).click();
    await expect(outbound.getByRole('alert')).toContainText('401 Unauthorized');
  });
  await step(page, 'The check fails: Disabled, the cause, a curl command; the form is kept', async () => {
    await url.fill(`${downstream.url}/nowhere`);
    await token.fill(downstream.token);
    await outbound.getByRole('button', { name: 'Enable outbound SCIM' }).click();
    await expect(outbound.getByText('Outbound SCIM was not enabled.')).toBeFocused();
    await expect(outbound.getByRole('alert')).toContainText('404 Not Found');
    await expect(outbound.getByRole('alert')).toContainText(
      `curl -i -H "Authorization: Bearer $DOWNSTREAM_TOKEN" -H "Accept: application/scim+json" "${downstream.url}/nowhere/ServiceProviderConfig"`,
    );
    await expect(outbound.getByText('Disabled', { exact: true })).toBeVisible();
    await expect(token).toHaveValue(downstream.token);
  });
  await step(page, 'Press Enable outbound SCIM', async () => {
    await url.fill(downstream.url);
    await outbound.getByRole('button', { name: 'Enable outbound SCIM' }).click();
    await expect(outbound.getByText('Enabled', { exact: true })).toBeVisible();
    await expect(outbound.getByRole('textbox', { name: 'Downstream endpoint' })).toHaveValue(downstream.url);
    expect(await everything(page)).not.toContain(downstream.token);
  });
  await step(page, 'Press Send a test user', async () => {
    await outbound.getByRole('button', { name: 'Send a test user' }).click();
    await expect(outbound.getByText(/took the test user through all steps/)).toBeVisible();
    await expect(outbound.getByRole('listitem').filter({ hasText: 'DELETE /Users/{id} 204' })).toBeVisible();
    // Nothing of it is left there.
    const { Resources } = await call<{ Resources: Kept[] }>('GET', `${downstream.url}/Users`, downstream.token);
    expect(Resources.filter(one => one.userName.startsWith('kevra-test-'))).toEqual([]);
  });
  await step(page, 'Edit a user in the realm and watch Recent activity', async () => {
    const inbound = region(page, 'Inbound SCIM');
    await inbound.getByRole('button', { name: 'Enable inbound SCIM' }).click();
    await inbound.getByRole('button', { name: 'Show' }).click();
    okta = new Okta(tenant.baseUrl, `Bearer ${await inbound.getByLabel(/Token alone/).inputValue()}`);
    await inbound.getByRole('button', { name: 'Done' }).click();
    await inbound.getByRole('button', { name: 'Close anyway' }).click();
    expect((await okta.assign(person, 'Alan', 'Turing')).status).toBe(201);
    await expect(activity.getByRole('button', { name: /Out POST \/Users 201/ })).toBeVisible();
  });
  await step(page, '… later PATCH /Users/{id} 200', async () => {
    await tenant.rename(person, 'Mathison');
    await expect(activity.getByRole('button', { name: /Out PATCH \/Users\/\{id\} 200/ }).first()).toBeVisible();
    await until('the downstream', async () => (await kept(downstream, person))?.name?.familyName === 'Mathison');
    await expect(outbound.getByText(/Delivering · 0 waiting · last/)).toBeVisible();
  });
  await step(page, 'Open Backfill and press Start a dry run', async () => {
    await outbound.getByText('Backfill', { exact: true }).click();
    await outbound.getByRole('button', { name: 'Start a dry run' }).click();
    await expect(outbound.getByText('in step', { exact: true })).toBeVisible();
  });
  await step(page, 'Press Run backfill', async () => {
    await outbound.getByRole('button', { name: 'Run backfill' }).click();
    await expect(outbound.getByText(/^Backfill done/)).toBeVisible();
  });
  await step(
    page,
    'The downstream answers 409: the user is under Parked users; Link shows the record first',
    async () => {
      const stranger = `edith@${tenant.slug}.test`;
      await fetch(`${downstream.url}/Users`, {
        method: 'POST',
        headers: { authorization: `Bearer ${downstream.token}`, 'content-type': 'application/scim+json' },
        body: JSON.stringify({ userName: stranger, externalId: 'of somebody else', active: true }),
      });
      await okta.assign(stranger, 'Edith', 'Clarke');
      await expect(outbound.getByRole('listitem').filter({ hasText: stranger })).toContainText('conflict');
      await outbound.getByRole('button', { name: 'Link' }).click();
      const dialog = page.getByRole('dialog');
      await expect(dialog).toContainText('of somebody else');
      await dialog.getByRole('button', { name: 'Link' }).click();
      await expect(outbound.getByText('Parked users')).toBeHidden();
      const { body } = await okta.assign(stranger, 'Edith', 'Clarke');
      await until('our record', async () => (await kept(downstream, stranger))?.externalId === body.Resources[0].id);
    },
  );
  await step(page, 'Press Disable and confirm', async () => {
    await outbound.getByRole('button', { name: 'Disable' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    await expect(outbound.getByText('Disabled', { exact: true })).toBeVisible();
    await expect(url).toBeVisible();
  });
  await step(page, 'For a new token, press Enable outbound SCIM again with it', async () => {
    await url.fill(downstream.url);
    await token.fill(downstream.token);
    await outbound.getByRole('button', { name: 'Enable outbound SCIM' }).click();
    await expect(outbound.getByText('Enabled', { exact: true })).toBeVisible();
  });
});

import { axe, everything, expect, open, region, step, test } from './support';

// The steps are those of docs/guides/inbound.md and outbound.md.

test('guide: inbound', async ({ page, context, request }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  const inbound = region(page, 'Inbound SCIM');
  let token = '';

  await step(page, 'Open Deployments, then your tenant', async () => {
    await open(page, '/console/');
    await page.getByRole('link', { name: /Acme/ }).click();
    await expect(page.getByRole('heading', { name: 'Identity sync (SCIM 2.0)' })).toBeVisible();
    await expect(inbound.getByText('Disabled')).toBeVisible();
  });
  await step(page, 'Press Enable inbound SCIM; the badge becomes Enabled', async () => {
    await inbound.getByRole('button', { name: 'Enable inbound SCIM' }).click();
    await expect(inbound.getByText('Enabled', { exact: true })).toBeVisible();
    await expect(inbound.getByRole('button', { name: 'Copy token' })).toBeFocused();
  });
  await step(page, 'Press Copy token, or Copy for Okta', async () => {
    await inbound.getByRole('button', { name: 'Copy token' }).click();
    await expect(inbound.getByRole('button', { name: 'Copied' })).toBeVisible();
    token = await clipboard();
    expect(token).toMatch(/^kscim_/);
    expect(await everything(page)).not.toContain(token);
    await inbound.getByRole('button', { name: 'Copy for Okta' }).click();
    expect(await clipboard()).toBe(`Bearer ${token}`);
    await inbound.getByRole('button', { name: 'Show' }).click();
    await expect(inbound.getByLabel(/Token alone/)).toHaveValue(token);
  });
  await step(page, 'Open Set up your IdP and follow the steps', async () => {
    await inbound.getByText('Set up your IdP').click();
    for (const name of ['Entra ID', 'Google Workspace', 'curl', 'Okta']) {
      await inbound.getByRole('tab', { name }).click();
      await axe(page);
    }
    await inbound.getByRole('tab', { name: 'curl' }).click();
    await inbound.getByRole('tabpanel').getByRole('button', { name: 'Copy command' }).first().click();
    expect(await clipboard()).toContain(`Bearer ${token}`);
  });
  await step(page, 'Press Done; the token is nowhere any more', async () => {
    await inbound.getByRole('button', { name: 'Done' }).click();
    await expect(inbound.getByText('Your bearer token')).toBeHidden();
    await expect(inbound.getByRole('heading', { name: 'Inbound SCIM' })).toBeFocused();
    expect(await everything(page)).not.toContain(token);
  });
  await step(page, 'Copy the SCIM base URL', async () => {
    await inbound.getByRole('button', { name: 'Copy SCIM base URL' }).click();
    expect(await clipboard()).toBe('https://identity-0.kevra.app/realms/acme/scim/v2');
  });
  await step(page, 'Assign one person and watch Recent activity', async () => {
    const activity = region(page, 'Recent activity');
    await expect(activity.getByText('Live')).toBeVisible();
    const entry = { operation: 'POST /Users', status: 201, client: 'Okta' };
    await request.post('/mock/happen', { data: { slug: 'acme', entry, accepted: true } });
    await expect(activity.getByRole('button', { name: /In POST \/Users 201/ })).toBeVisible();
    await expect(inbound.getByText(/Okta reached this endpoint/)).toBeVisible();
  });
  await step(page, 'Press Rotate token and confirm', async () => {
    await inbound.getByRole('button', { name: 'Rotate token' }).click();
    const dialog = page.getByRole('dialog', { name: 'Rotate the token?' });
    await expect(dialog.getByRole('button', { name: 'Cancel' })).toBeFocused();
    await axe(page);
    await dialog.getByRole('button', { name: 'Rotate token' }).click();
    await expect(inbound.getByRole('button', { name: 'Copy token' })).toBeFocused();
    await inbound.getByRole('button', { name: 'Copy token' }).click();
    await expect(inbound.getByRole('button', { name: 'Copied' })).toBeVisible();
    expect(await clipboard()).not.toBe(token);
    await inbound.getByRole('button', { name: 'Done' }).click();
  });
  await step(page, 'Press Disable and confirm', async () => {
    await inbound.getByRole('button', { name: 'Disable' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    await expect(inbound.getByText('Disabled')).toBeVisible();
    await expect(inbound.getByText(/the old one stays dead/)).toBeVisible();
    await expect(inbound.getByRole('heading', { name: 'Inbound SCIM' })).toBeFocused();
  });
});

test('guide: outbound', async ({ page }) => {
  const outbound = region(page, 'Outbound SCIM');
  const url = outbound.getByLabel('Downstream SCIM base URL');
  const token = outbound.getByLabel('Downstream bearer token');

  await step(page, 'Go to Outbound SCIM', async () => {
    await open(page, '/console/tenants/acme');
    await expect(outbound.getByText('Disabled')).toBeVisible();
  });
  await step(page, 'Fill in Downstream SCIM base URL and Downstream bearer token', async () => {
    await url.fill('https://downstream.example.com/scim/v2');
    await token.fill('Bearer wrong');
    await expect(outbound.getByText('We add Bearer for you.')).toBeVisible();
  });
  await step(page, 'Press Test connection', async () => {
    await outbound.getByRole('button', { name: 'Test connection' }).click();
    await expect(outbound.getByRole('alert')).toContainText('401 Unauthorized');
  });
  await step(page, 'The check fails: stays Disabled, says the cause, shows a curl command', async () => {
    await outbound.getByRole('button', { name: 'Enable outbound SCIM' }).click();
    await expect(outbound.getByText('Outbound SCIM was not enabled.')).toBeFocused();
    await expect(outbound.getByRole('alert')).toContainText('curl -i');
    await expect(outbound.getByText('Disabled')).toBeVisible();
    await expect(url).toHaveValue('https://downstream.example.com/scim/v2');
  });
  await step(page, 'Press Enable outbound SCIM; the badge becomes Enabled', async () => {
    await token.fill('right-secret');
    expect(await page.content()).not.toContain('right-secret');
    await outbound.getByRole('button', { name: 'Enable outbound SCIM' }).click();
    await expect(outbound.getByText('Enabled', { exact: true })).toBeVisible();
    await expect(outbound.getByRole('textbox', { name: 'Downstream endpoint' })).toHaveValue(
      'https://downstream.example.com/scim/v2',
    );
    expect(await everything(page)).not.toContain('right-secret');
  });
  await step(page, 'Press Send a test user', async () => {
    await outbound.getByRole('button', { name: 'Send a test user' }).click();
    await expect(outbound.getByText(/took the test user through all steps/)).toBeVisible();
    await expect(outbound.getByRole('listitem').filter({ hasText: 'DELETE' })).toBeVisible();
  });
  await step(page, 'Open Backfill and press Start a dry run, then Run backfill', async () => {
    await outbound.getByText('Backfill', { exact: true }).click();
    await outbound.getByRole('button', { name: 'Start a dry run' }).click();
    await expect(outbound.getByText('3,902')).toBeVisible();
    await outbound.getByRole('button', { name: 'Run backfill' }).click();
    await outbound.getByRole('button', { name: 'Pause' }).click();
    await outbound.getByRole('button', { name: 'Resume' }).click();
    await outbound.getByRole('button', { name: 'Cancel' }).click();
    await expect(outbound.getByText(/cancelled/)).toBeVisible();
  });
  await step(page, 'Press Disable and confirm; the form reappears', async () => {
    await outbound.getByRole('button', { name: 'Disable' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    await expect(outbound.getByText('Disabled')).toBeVisible();
    await expect(url).toBeVisible();
  });
  await step(page, 'Parked users: Link shows the record first, Retry, Ignore', async () => {
    await open(page, '/console/tenants/globex');
    await outbound.getByRole('button', { name: 'Link' }).click();
    await expect(page.getByRole('dialog')).toContainText('2819c223-7f76');
    await axe(page);
    await page.getByRole('dialog').getByRole('button', { name: 'Link' }).click();
    const ignore = outbound.getByRole('button', { name: 'Ignore' });
    await expect(ignore).toHaveCount(2);
    await outbound.getByRole('button', { name: 'Retry' }).first().click();
    await expect(ignore).toHaveCount(1);
    await ignore.click();
    await expect(outbound.getByText('Parked users')).toBeHidden();
  });
});

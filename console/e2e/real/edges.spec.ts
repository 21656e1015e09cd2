import { errorsOf, everything, expect, region, step, test } from './fixtures';
import { Entra } from './idp';

test('two admins at once: the second enables nothing anew, and rotates only what they have seen', async ({
  page: first,
  browser,
  tenant,
}) => {
  const context = await browser.newContext();
  const second = await context.newPage();
  const errors = errorsOf(second);
  await tenant.open(first, 'dana@acme.test');
  await tenant.open(second, 'lee@acme.test');
  const [one, two] = [region(first, 'Inbound SCIM'), region(second, 'Inbound SCIM')];
  await expect(two.getByRole('button', { name: 'Enable inbound SCIM' })).toBeVisible();
  await step(first, 'both press Enable inbound SCIM', async () => {
    // The second page has not looked again meanwhile.
    await second.route('**/identity-sync', route => route.abort());
    await one.getByRole('button', { name: 'Enable inbound SCIM' }).click();
    await expect(one.getByText('Enabled', { exact: true })).toBeVisible();
    await second.unroute('**/identity-sync');
    await two.getByRole('button', { name: 'Enable inbound SCIM' }).click();
    await expect(two.getByText(/Enabled by/)).toBeVisible();
    await expect(two.getByText('Your bearer token')).toBeHidden();
  });
  await step(second, 'both press Rotate token', async () => {
    await two.getByRole('button', { name: 'Rotate token' }).click();
    await expect(second.getByRole('dialog')).toBeVisible();
    await one.getByRole('button', { name: 'Rotate token' }).click();
    await first.getByRole('dialog').getByRole('button', { name: 'Rotate token' }).click();
    await expect(one.getByRole('button', { name: 'Copy token' })).toBeFocused();
    const refused = second.waitForResponse('**/inbound/rotate');
    await second.getByRole('dialog').getByRole('button', { name: 'Rotate token' }).click();
    expect((await refused).status()).toBe(412);
    await expect(second.getByRole('dialog')).toContainText(/The token was rotated .*Rotate again\?/);
    await second.getByRole('dialog').getByRole('button', { name: 'Rotate token' }).click();
    await expect(two.getByText('Your bearer token')).toBeVisible();
  });
  expect(errors.filter(text => !text.includes('ERR_FAILED'))).toEqual([]);
  await context.close();
});

test('the answer to an enable is lost: the panel says so, and Rotate token gets a token', async ({ page, tenant }) => {
  await tenant.open(page);
  const inbound = region(page, 'Inbound SCIM');
  await page.route('**/inbound/enable', async route => {
    await route.fetch();
    await route.fulfill({ status: 502, body: '' });
  });
  await step(page, 'Enable inbound SCIM', async () => {
    await inbound.getByRole('button', { name: 'Enable inbound SCIM' }).click();
    await expect(inbound.getByText('We could not confirm the result.')).toBeFocused();
    await expect(inbound.getByText(/enabled but the token was not delivered/)).toBeVisible();
    await expect(inbound.getByText('Enabled', { exact: true })).toBeVisible();
  });
  await step(page, 'Rotate token', async () => {
    await inbound.getByRole('button', { name: 'Rotate token' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate token' }).click();
    await inbound.getByRole('button', { name: 'Show' }).click();
    const token = await inbound.getByLabel(/Token alone/).inputValue();
    expect((await new Entra(tenant.baseUrl, token).testConnection()).status).toBe(200);
  });
});

test('the token is in one answer and afterwards nowhere: not in the page, a store, an address or a later answer', async ({
  page,
  context,
  tenant,
}) => {
  const answers: string[] = [];
  const addresses: string[] = [];
  page.on('request', request => addresses.push(request.url(), JSON.stringify(request.postData() ?? '')));
  page.on('response', async response => {
    const type = response.headers()['content-type'] ?? '';
    if (!response.url().includes('/v1/') || type.includes('event-stream')) return;
    answers.push(await response.text().catch(() => ''));
  });
  await tenant.open(page);
  const inbound = region(page, 'Inbound SCIM');
  await inbound.getByRole('button', { name: 'Enable inbound SCIM' }).click();
  await inbound.getByRole('button', { name: 'Show' }).click();
  const token = await inbound.getByLabel(/Token alone/).inputValue();
  await inbound.getByRole('button', { name: 'Done' }).click();
  await inbound.getByRole('button', { name: 'Close anyway' }).click();
  await inbound.getByText('Set up your IdP').click();
  await expect(inbound.getByText(token.slice(-4)).first()).toBeVisible();
  await expect.poll(() => answers.filter(text => text.includes('"token_hint"')).length).toBeGreaterThan(1);
  expect(await everything(page)).not.toContain(token);
  expect(JSON.stringify(await context.storageState({ indexedDB: true }))).not.toContain(token);
  expect(addresses.join('\n')).not.toContain(token);
  expect(answers.filter(text => text.includes(token))).toHaveLength(1);
});

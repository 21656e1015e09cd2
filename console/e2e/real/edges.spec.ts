import { listen, told } from '../told';
import { errorsOf, everything, expect, region, step, test } from './fixtures';
import { Entra, Okta } from './idp';
import { inboundOn } from './on';

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
    // Nor has it when the second presses: only with that call it hears anything again.
    await second.route('**/inbound/enable', async route => {
      await second.unroute('**/identity-sync');
      await route.continue();
    });
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

test('the token is in one answer and afterwards nowhere: not in the page, a store, an address, an event or a later answer', async ({
  page,
  context,
  tenant,
}) => {
  await listen(page);
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
  const token = await inboundOn(page);
  await inbound.getByRole('button', { name: 'Done' }).click();
  await inbound.getByRole('button', { name: 'Close anyway' }).click();
  await inbound.getByText('Set up your IdP').click();
  await expect(inbound.getByText(token.slice(-4)).first()).toBeVisible();
  await expect.poll(() => answers.filter(text => text.includes('"token_hint"')).length).toBeGreaterThan(1);
  expect(await everything(page)).not.toContain(token);
  expect(JSON.stringify(await context.storageState({ indexedDB: true }))).not.toContain(token);
  expect(addresses.join('\n')).not.toContain(token);
  // Somebody was told something, or the ear was deaf.
  expect(await told(page)).toMatch(/^(message|kevra)/m);
  expect(await told(page)).not.toContain(token);
  expect(answers.filter(text => text.includes(token))).toHaveLength(1);
});

test('a clipboard that refuses: the token stands there whole and selected, for the keys that copy', async ({
  page,
  context,
  tenant,
}) => {
  const inbound = region(page, 'Inbound SCIM');
  const field = inbound.getByLabel(/Token alone/);
  // The browser itself refuses.
  const { targetInfo } = await (await context.newCDPSession(page)).send('Target.getTargetInfo');
  const session = await context.browser()?.newBrowserCDPSession();
  for (const [name, setting] of [
    ['clipboard-write', 'denied'],
    ['clipboard-read', 'granted'],
  ] as const) {
    const { browserContextId } = targetInfo;
    await session?.send('Browser.setPermission', { permission: { name }, setting, browserContextId });
  }
  await step(page, 'Copy token', async () => {
    await tenant.open(page);
    await inbound.getByRole('button', { name: 'Enable inbound SCIM' }).click();
    await expect(field).toHaveValue(/………/);
    await inbound.getByRole('button', { name: 'Copy token' }).click();
    await expect(inbound.getByText('Press Ctrl+C to copy.')).toBeVisible();
    await expect(page.locator('.kv-sr[role=status]')).toHaveText(/Press Ctrl\+C to copy\./);
    await expect(page.getByText('Copied')).toHaveCount(0);
  });
  await step(page, 'the keys copy what is selected', async () => {
    await expect(field).toBeFocused();
    await page.keyboard.press('Control+C');
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toMatch(/^kvs_\w{49}$/);
    await expect(field).toHaveValue(copied);
    expect((await new Entra(tenant.baseUrl, copied).testConnection()).status).toBe(200);
  });
  await step(page, 'nobody claims that it was copied', async () => {
    await inbound.getByRole('button', { name: 'Done' }).click();
    await expect(inbound.getByText('You have not copied the token. Close anyway?')).toBeVisible();
  });
});

test('row 28: the usual complaints are answered by what this tenant’s requests say', async ({ page, tenant }) => {
  const inbound = region(page, 'Inbound SCIM');
  const answer = (complaint: string) => inbound.locator('dt', { hasText: complaint }).locator('+ dd');
  let secret = '';
  await step(page, 'nothing has come yet', async () => {
    await tenant.open(page);
    secret = await inboundOn(page);
    await inbound.getByText('Something not arriving?').click();
    await expect(answer('Users do not appear')).toContainText('No request has been accepted yet');
    await expect(answer('Fields are missing')).toContainText('Map userName, email, given and family name');
    await expect(answer('Deactivated users stay enabled')).toContainText('Turn on Push User Deactivation');
  });
  for (const [what, authorization, words] of [
    ['the token alone', (token: string) => token, 'No “Bearer” before the token.'],
    ['Bearer twice', (token: string) => `Bearer Bearer ${token}`, 'Doubled “Bearer”.'],
    ['a part of the token', (token: string) => `Bearer ${token.slice(0, -3)}`, 'Not a token of ours, or part of it'],
  ] as const) {
    await step(page, `401: ${what}`, async () => {
      expect((await new Okta(tenant.baseUrl, authorization(secret)).testCredentials()).status).toBe(401);
      await expect(answer('The IdP reports 401')).toContainText(words);
    });
  }
  await step(page, 'users do not appear, though requests arrive', async () => {
    expect((await new Okta(tenant.baseUrl, `Bearer ${secret}`).testCredentials()).status).toBe(200);
    await expect(answer('Users do not appear')).toContainText('Requests arrive. Assign the users to the app');
  });
  await step(page, '401: inbound is disabled', async () => {
    await inbound.getByRole('button', { name: 'Disable' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    await expect(inbound.getByText('Disabled', { exact: true })).toBeVisible();
    expect((await new Okta(tenant.baseUrl, `Bearer ${secret}`).testCredentials()).status).toBe(401);
    const refused = region(page, 'Recent activity').getByRole('button', { name: /401.*Inbound was disabled/ });
    await expect(refused).toBeVisible();
  });
});

import type { Page } from '@playwright/test';
import { expect, open, region, step, test } from './support';

// What must be on the page, row by row of the console's contract, in its exact words, in a real browser.

test.use({ permissions: ['clipboard-read', 'clipboard-write'] });

/** A row, looked at by axe when it is done. */
const row = (page: Page, number: number, what: string, body: () => Promise<void>) =>
  step(page, `row ${number}, ${what}`, body);

const tenant = (slug: string) => `/console/tenants/${slug}`;
const inbound = (page: Page) => region(page, 'Inbound SCIM');
const outbound = (page: Page) => region(page, 'Outbound SCIM');
const activity = (page: Page) => region(page, 'Recent activity');
const dialog = (page: Page) => page.getByRole('dialog');
const exact = { exact: true } as const;
const clipboard = (page: Page) => page.evaluate(() => navigator.clipboard.readText());

test('rows 1–7: place and chrome', async ({ page }) => {
  await open(page, '/console/');
  await row(page, 1, 'the Kevra console', async () => {
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await expect(page).toHaveTitle(/Kevra console/);
  });
  await row(page, 2, 'Deployments, then the tenant', async () => {
    await page.getByRole('link', { name: /Acme/ }).click();
    await expect(page.getByRole('navigation', { name: 'Breadcrumb' })).toHaveText('Deployments / acme');
  });
  await row(page, 3, 'one heading, both panels under it', () =>
    expect(page.getByRole('heading', { name: 'Identity sync (SCIM 2.0)', exact: true })).toHaveCount(1),
  );
  await row(page, 4, 'top right', async () => {
    const button = page.getByRole('link', { name: 'Open Admin Console' });
    await expect(button).toHaveAttribute('href', 'https://identity-0.kevra.app/admin/acme/console/');
    const [box, main] = [await button.boundingBox(), await page.locator('.kv-section').boundingBox()];
    expect(box && main && main.x + main.width - (box.x + box.width)).toBeCloseTo(0);
    const heading = await page.getByRole('heading', { level: 1 }).boundingBox();
    expect(Math.abs((box?.y ?? 0) - (heading?.y ?? 99))).toBeLessThan(8);
  });
  await row(page, 5, 'panel', () => expect(inbound(page)).toBeVisible());
  await row(page, 6, 'panel', () => expect(outbound(page)).toBeVisible());
  await row(page, 7, 'from outbound to setting up inbound', async () => {
    await expect(outbound(page).getByText(/^Next step:/)).toBeVisible();
    await outbound(page)
      .getByRole('link', { name: /set up inbound/ })
      .click();
    await expect(inbound(page).getByRole('heading', { name: 'Inbound SCIM', exact: true })).toBeFocused();
  });
});

test('rows 8–22: the life of the token', async ({ page }) => {
  await open(page, tenant('acme'));
  const reveal = inbound(page).getByRole('group', { name: 'Your bearer token' });
  const url = inbound(page).getByLabel('SCIM base URL', exact);
  const button = (name: string) => inbound(page).getByRole('button', { name, exact: true });
  await row(page, 8, 'primary button', () => expect(button('Enable inbound SCIM')).toBeEnabled());
  await button('Enable inbound SCIM').click();
  await row(page, 9, 'reveal box', () => expect(reveal).toBeVisible());
  await row(page, 10, 'advice', () =>
    expect(reveal).toContainText('Copy it now and store it in your IdP and in a password manager.'),
  );
  await row(page, 11, 'once', () => expect(reveal).toContainText('It will not be shown again.'));
  await row(page, 12, 'recovery', () =>
    expect(reveal).toContainText('Lost it? Rotate token makes a new one; the previous one stops working immediately.'),
  );
  await row(page, 13, 'the URL above the buttons', async () => {
    const y = async (at: typeof url) => (await at.boundingBox())?.y ?? 0;
    expect(await y(url)).toBeLessThan(await y(button('Rotate token')));
    expect(await y(url)).toBeLessThan(await y(button('Disable')));
  });
  await row(page, 15, 'without a custom domain', () =>
    expect(url).toHaveValue('https://identity-0.kevra.app/realms/acme/scim/v2'),
  );
  let first = '';
  await row(page, 16, 'copy buttons', async () => {
    await button('Copy SCIM base URL').click();
    await expect.poll(() => clipboard(page)).toBe(await url.inputValue());
    await button('Copy token').click();
    await expect.poll(() => clipboard(page)).toMatch(/^kvs_/);
    first = await clipboard(page);
  });
  await row(page, 17, 'badge', () => expect(inbound(page).getByText('Enabled', exact)).toBeVisible());
  await row(page, 18, 'button', () => expect(button('Rotate token')).toBeEnabled());
  await row(page, 23, 'for Okta and Google', async () => {
    await button('Copy for Okta').click();
    await expect.poll(() => clipboard(page)).toBe(`Bearer ${first}`);
  });
  await button('Done').click();
  await row(page, 20, 'what rotating means', async () => {
    await button('Rotate token').click();
    await expect(dialog(page)).toContainText('The previous token stops working immediately.');
    await expect(dialog(page)).toContainText('Put the new value into your IdP before its next provisioning cycle.');
  });
  await row(page, 19, 'cancel changes nothing, confirming reveals once', async () => {
    await dialog(page).getByRole('button', { name: 'Cancel' }).click();
    await expect(reveal).toBeHidden();
    await button('Rotate token').click();
    await dialog(page).getByRole('button', { name: 'Rotate token' }).click();
    await button('Copy token').click();
    await expect.poll(() => clipboard(page)).not.toBe(first);
  });
  await row(page, 21, 'Disable asks', async () => {
    await button('Disable').click();
    await expect(dialog(page)).toContainText('The realm stops accepting SCIM requests');
    await dialog(page).getByRole('button', { name: 'Disable' }).click();
    await expect(inbound(page).getByText('Disabled', exact)).toBeVisible();
  });
  await row(page, 22, 'says both', async () => {
    await expect(inbound(page)).toContainText('401 on every push until inbound is enabled again');
    await expect(inbound(page)).toContainText('Enabling issues a new token; the old one stays dead.');
  });
});

test('rows 14, 24–28: the guide and the answers', async ({ page }) => {
  await open(page, tenant('globex'));
  const steps = inbound(page).getByRole('tabpanel');
  const tab = (name: string) => inbound(page).getByRole('tab', { name }).click();
  await row(page, 14, 'custom domain', () =>
    expect(inbound(page).getByLabel('SCIM base URL', exact)).toHaveValue(
      'https://login.globex.example/realms/globex/scim/v2',
    ),
  );
  await inbound(page).getByText('Set up your IdP').click();
  await row(page, 25, 'unique identifier', () =>
    expect(steps).toContainText('Unique identifier field for users: userName'),
  );
  await row(page, 26, 'Okta, Entra, Google', async () => {
    for (const words of [
      'SCIM 2.0 Test App (Header Auth)',
      'Push New Users, Push Profile Updates and Push User Deactivation',
      'HTTP Header',
      'Test Connector Configuration: all checks are green',
    ])
      await expect(steps).toContainText(words);
    await tab('Google Workspace');
    await expect(steps).toContainText('connector or workflow tool');
    await expect(steps).toContainText('Bearer YOUR_TOKEN');
    await tab('Entra ID');
    for (const words of [
      'Tenant URL is the SCIM base URL: https://login.globex.example/realms/globex/scim/v2',
      'Secret Token',
      'Test Connection, wait for its success banner',
      'set Scope to Sync only assigned users and groups',
      'about 40 minutes',
      'Provision on demand',
    ])
      await expect(steps).toContainText(words);
  });
  await row(page, 24, 'Entra ID: the token alone', async () => {
    await expect(steps).toContainText('alone: Entra ID adds the word Bearer itself');
    await expect(steps).not.toContainText('Bearer YOUR_TOKEN');
  });
  await inbound(page).getByText('Something not arriving?').click();
  await row(page, 27, 'where to verify', () =>
    expect(inbound(page)).toContainText(
      /Admin Console → Users: email, firstName and lastName .* Role mappings shows the realm role scim-managed, and a deactivated user is shown as disabled/,
    ),
  );
  await row(page, 28, 'four complaints', async () => {
    for (const complaint of [
      'The IdP reports 401',
      'Users do not appear',
      'Fields are missing',
      'Deactivated users stay enabled',
    ])
      await expect(inbound(page).getByText(complaint, exact)).toBeVisible();
  });
});

test('rows 29–42, 44, 45, 47: a downstream comes and goes', async ({ page }) => {
  await page.route('**/console/config.json', route => route.fulfill({ json: { demo: false } }));
  await open(page, tenant('acme'));
  const url = outbound(page).getByLabel('Downstream SCIM base URL', exact);
  const token = outbound(page).getByLabel('Downstream bearer token', exact);
  const button = (name: string) => outbound(page).getByRole('button', { name, exact: true });
  const enable = async (host: string) => {
    await url.fill(`https://${host}.example.com/scim/v2`);
    await button('Enable outbound SCIM').click();
  };
  await row(page, 29, 'a placeholder, not a value', async () => {
    await expect(url).toHaveAttribute('placeholder', 'https://downstream.example.com/scim/v2');
    await expect(url).toHaveValue('');
  });
  await row(page, 30, 'masked, write-only', async () => {
    await expect(token).toHaveAttribute('type', 'password');
    await token.fill('secret');
  });
  await row(page, 45, 'badge before', () => expect(outbound(page).getByText('Disabled', exact)).toBeVisible());
  await row(page, 47, 'freshness', () => expect(outbound(page)).toContainText('within seconds'));
  await row(page, 35, '404 and 401', async () => {
    for (const [host, cause] of [
      ['missing', '404 Not Found'],
      ['unauthorized', '401 Unauthorized'],
    ] as const) {
      await enable(host);
      await expect(outbound(page).getByRole('alert')).toContainText(cause);
      await expect(outbound(page).getByText('Disabled', exact)).toBeVisible();
      await expect(token).toHaveValue('secret');
    }
  });
  await row(page, 36, 'curl', async () => {
    await expect(outbound(page).getByRole('alert')).toContainText(
      'curl -i -H "Authorization: Bearer $DOWNSTREAM_TOKEN" -H "Accept: application/scim+json" "https://unauthorized.example.com/scim/v2/ServiceProviderConfig"',
    );
    await expect(outbound(page).getByRole('alert')).toContainText('then fix the downstream side and try again');
  });
  await row(page, 37, 'other causes', async () => {
    for (const [host, cause] of [
      ['html', 'The downstream answered with a web page (text/html), not SCIM. Check the base URL.'],
      ['tls', 'The TLS connection failed'],
      ['slow', 'did not answer in time'],
      ['gone', 'could not be reached'],
      ['blocked', 'This address is not reachable from Kevra.'],
    ] as const) {
      await enable(host);
      await expect(outbound(page).getByRole('alert')).toContainText(cause);
    }
  });
  await row(page, 41, 'one target', async () => {
    await expect(outbound(page)).toContainText('One downstream per tenant.');
    await expect(outbound(page)).toContainText('Need more than one downstream? Ask Kevra support.');
  });
  await row(page, 42, 'limits', async () => {
    await expect(outbound(page)).toContainText('Hard deletes are not propagated.');
    await expect(outbound(page)).toContainText('No automatic backfill');
  });
  await row(page, 31, 'primary button', () => enable('good'));
  await row(page, 32, 'badge', () => expect(outbound(page).getByText('Enabled', exact)).toBeVisible());
  await row(page, 33, 'URL only', async () => {
    await expect(outbound(page).getByLabel('Downstream endpoint', exact)).toHaveValue(
      'https://good.example.com/scim/v2',
    );
    await expect(outbound(page)).not.toContainText('secret');
  });
  await row(page, 34, 'at once', () => expect(outbound(page)).toContainText('Active: changes are pushed at once'));
  await row(page, 47, 'freshness, enabled too', () =>
    expect(outbound(page)).toContainText('new users and updates appear downstream within seconds'),
  );
  await row(page, 40, 'no rotate button', async () => {
    await expect(outbound(page).getByRole('button', { name: /rotate|replace/i })).toHaveCount(0);
    await expect(outbound(page)).toContainText(
      'New downstream token? Disable, then Enable outbound SCIM with the new one.',
    );
  });
  await row(page, 44, 'no advice about restarts', () =>
    expect(page.locator('body')).not.toContainText(/restart|re-enable/i),
  );
  await row(page, 38, 'Disable', () => expect(button('Disable')).toBeEnabled());
  await row(page, 39, 'the form reappears', async () => {
    await button('Disable').click();
    await expect(dialog(page)).toContainText('capture in the realm is switched off');
    await dialog(page).getByRole('button', { name: 'Disable' }).click();
    await expect(url).toBeVisible();
    await expect(outbound(page).getByText('Disabled', exact)).toBeVisible();
  });
});

test('rows 43, 46: failures and proof', async ({ page }) => {
  await open(page, tenant('globex'));
  await row(page, 46, 'the shape of a downstream’s log', async () => {
    await expect(activity(page).getByRole('button', { name: /Out POST \/Users 201/ })).toBeVisible();
    await expect(activity(page).getByRole('button', { name: /Out PATCH \/Users\/\{id\} 200/ })).toBeVisible();
  });
  await row(page, 43, '409 parks, 401 pauses', async () => {
    const parked = outbound(page).getByRole('listitem').filter({ hasText: 'conflict (409)' });
    await expect(parked).toContainText('Edit the user, or Link the existing record.');
    await expect(parked.getByRole('button')).toHaveText(['Link', 'Retry', 'Ignore']);
    await page.goto('about:blank');
    await open(page, tenant('umbrella'));
    await expect(outbound(page).getByRole('alert')).toContainText(
      /Paused: downstream answers 401 since .*Nothing is dropped.*Disable, then Enable outbound SCIM with the new one/,
    );
  });
});

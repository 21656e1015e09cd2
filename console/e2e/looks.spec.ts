import type { Page } from '@playwright/test';
import type { components } from '../src/api';
import { axe, expect, open, region, test } from './support';
import { narrow } from './whole';

type Panels = components['schemas']['IdentitySync'];

// The states worth looking at, each as a picture in .reports/looks: nothing compares them, people do. Each is looked at by
// axe, too, and has to be whole at 320 px.

test.use({ viewport: { width: 1120, height: 800 } });

async function look(page: Page, name: string) {
  await axe(page);
  // A full page has its dialogs in the middle of the window, so those are taken as they are seen.
  const fullPage = (await page.locator('dialog[open]').count()) === 0;
  await page.screenshot({ path: `.reports/looks/${name}.png`, fullPage, animations: 'disabled' });
  await narrow(page);
}

const tenant = (slug: string) => `/console/tenants/${slug}`;
const inbound = (page: Page) => region(page, 'Inbound SCIM');
const outbound = (page: Page) => region(page, 'Outbound SCIM');
const activity = (page: Page) => region(page, 'Recent activity');
const cancel = (page: Page) => page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

/** Lets a call wait until it is let go. */
async function held(page: Page, url: string) {
  let go = () => {};
  const gone = new Promise<void>(resolve => (go = resolve));
  await page.route(url, async route => {
    await gone;
    await route.continue();
  });
  return go;
}

/** The state of a tenant, changed on its way to the page. */
async function changed(page: Page, change: (panels: Panels) => void) {
  await page.unroute('**/identity-sync');
  await page.route('**/identity-sync', async route => {
    const response = await route.fetch();
    const panels = (await response.json()) as Panels;
    change(panels);
    await route.fulfill({ response, json: panels });
  });
}

/** The server does it, and the answer is lost. */
const lost = (page: Page, call: string) =>
  page.route(`**/${call}`, async route => {
    await route.fetch();
    await route.fulfill({ status: 502, body: '' });
  });

const again = (page: Page) => page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
const exact = { exact: true } as const;
const now = () => new Date().toISOString();

test('looks: the life of a token', async ({ page }) => {
  await open(page, tenant('acme'));
  await expect(activity(page).getByText('Live', exact)).toBeVisible();
  await look(page, 'both-disabled');
  await press(page, 'Enable inbound SCIM');
  await expect(page.getByRole('button', { name: 'Copy token' })).toBeFocused();
  await look(page, 'token-revealed');
  await press(page, 'Show');
  await look(page, 'token-shown');
  await press(page, 'Done');
  await look(page, 'token-not-copied');
  await press(page, 'Keep it open');
  await page.getByText('Set up your IdP').click();
  await look(page, 'guide-okta-with-token');
  await press(page, 'Rotate token');
  await look(page, 'rotate-asks');
  await cancel(page);
  await inbound(page).getByRole('button', { name: 'Disable' }).click();
  await look(page, 'disable-asks');
  await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
  await expect(inbound(page).getByText(/stays dead/)).toBeVisible();
  await look(page, 'inbound-disabled-again');
});

test('looks: a clipboard that refuses', async ({ page }) => {
  await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await open(page, tenant('acme'));
  await press(page, 'Enable inbound SCIM');
  await press(page, 'Copy token');
  await expect(page.getByText('Press Ctrl+C to copy.').first()).toBeVisible();
  await look(page, 'copy-by-hand');
});

test('looks: an answer that is lost, and somebody who was faster', async ({ page }) => {
  await open(page, tenant('acme'));
  await page.route('**/inbound/enable', async route => {
    await route.fetch();
    await route.fulfill({ status: 502, body: '' });
  });
  await press(page, 'Enable inbound SCIM');
  await expect(page.getByText('We could not confirm the result.')).toBeVisible();
  await look(page, 'answer-lost');
});

test('looks: a downstream that is refused, field by field and cause by cause', async ({ page }) => {
  await page.route('**/console/config.json', route => route.fulfill({ json: { demo: false } }));
  await open(page, tenant('acme'));
  await page.getByLabel('Downstream SCIM base URL').fill('');
  await page.getByLabel('Downstream bearer token').fill('');
  await press(page, 'Enable outbound SCIM');
  await look(page, 'outbound-fields-missing');
  await page.getByLabel('Downstream SCIM base URL').fill('https://192.0.2.7/scim/v2');
  await page.getByLabel('Downstream bearer token').fill('Bearer abc');
  await press(page, 'Enable outbound SCIM');
  await look(page, 'outbound-field-fault');
  const go = await held(page, '**/outbound/enable');
  await page.getByLabel('Downstream SCIM base URL').fill('https://html.example.com/scim/v2');
  await press(page, 'Enable outbound SCIM');
  await expect(page.getByText(/Checking/)).toBeVisible();
  await look(page, 'outbound-probing');
  go();
  await expect(page.getByText('Outbound SCIM was not enabled.')).toBeVisible();
  await look(page, 'outbound-web-page');
  await page.getByLabel('Downstream SCIM base URL').fill('https://blocked.example.com/scim/v2');
  await press(page, 'Test connection');
  await expect(page.getByText('The connection test failed.')).toBeVisible();
  await look(page, 'outbound-test-failed');
});

test('looks: both directions in use', async ({ page }) => {
  await open(page, tenant('globex'));
  await expect(activity(page).getByText('Live', exact)).toBeVisible();
  await look(page, 'both-enabled');
  await inbound(page).getByText('Something not arriving?').click();
  await inbound(page).getByText('Advanced', exact).click();
  await outbound(page).getByText('Advanced', exact).click();
  await activity(page)
    .getByRole('button', { name: /Out POST \/Users/ })
    .click();
  await expect(activity(page).getByText('create user', exact)).toBeVisible();
  await look(page, 'everything-open');
  await outbound(page).getByRole('button', { name: 'Link' }).click();
  await expect(page.getByRole('dialog')).toContainText('2819c223');
  await look(page, 'link-asks');
  await cancel(page);
  const step = { operation: 'POST /Users', status: 400, class: 'rejected', duration_ms: 34 };
  await page.route('**/test-user', route => route.fulfill({ json: { steps: [step], ok: false } }), { times: 1 });
  await press(page, 'Send a test user');
  await expect(outbound(page).getByText('A step failed.')).toBeFocused();
  await look(page, 'test-user-failed');
  await press(page, 'Send a test user');
  await expect(outbound(page).getByText(/took the test user/)).toBeVisible();
  await outbound(page).getByText('Backfill', { exact: true }).click();
  await press(page, 'Start a dry run');
  await expect(outbound(page).getByText('3,902')).toBeVisible();
  await look(page, 'test-user-and-dry-run');
  await press(page, 'Run backfill');
  await expect(outbound(page).getByRole('progressbar')).toBeVisible();
  await look(page, 'backfill-runs');
  await outbound(page).getByRole('button', { name: 'Disable' }).click();
  await look(page, 'outbound-disable-asks');
  await cancel(page);
  await page.getByLabel('User', { exact: true }).fill('nobody@example.com');
  await expect(page.getByText('Nothing matches the filter.')).toBeVisible();
  await look(page, 'activity-nothing-found');
});

test('looks: what waits for a person', async ({ page }) => {
  await open(page, tenant('umbrella'));
  await expect(outbound(page).getByText('Deactivations held')).toBeVisible();
  await look(page, 'deactivations-held');
  await press(page, 'Confirm');
  await look(page, 'held-confirm-asks');
  await cancel(page);
  await press(page, 'Refuse');
  await look(page, 'held-refuse-asks');
  await page.goto('about:blank');
  await open(page, tenant('initech'));
  await expect(outbound(page).getByText('Users missing')).toBeVisible();
  await look(page, 'absences-held-rtl');
  for (const what of ['Users', 'Groups']) {
    await page
      .getByRole('group', { name: `${what} missing` })
      .getByRole('button', { name: 'Confirm' })
      .click();
    await look(page, `${what.toLowerCase()}-missing-confirm-asks`);
    await cancel(page);
  }
});

test('looks: pages around the panels', async ({ page }) => {
  await open(page, '/console/');
  await expect(page.getByText('1–25 of 10,000')).toBeVisible();
  await look(page, 'tenants');
  await page.getByLabel('Search tenants').fill('zzz');
  await expect(page.getByText('No tenant matches')).toBeVisible();
  await look(page, 'tenants-no-match');
  await page.goto('about:blank');
  await open(page, tenant('long'));
  await expect(inbound(page)).toBeVisible();
  await look(page, 'long-name');
  await page.goto('about:blank');
  await open(page, `${tenant('initech')}/people`);
  await expect(page.getByRole('button', { name: 'New user' })).toBeVisible();
  await look(page, 'people');
  await press(page, 'New user');
  await press(page, 'Save');
  await look(page, 'person-needs-a-name');
  await page.goto('about:blank');
  await open(page, `${tenant('acme')}/people`);
  await expect(page.getByText('No users yet')).toBeVisible();
  await look(page, 'people-empty');
  await page.goto('about:blank');
  await open(page, tenant('nobody'));
  await expect(page.getByText(/no such tenant/)).toBeVisible();
  await look(page, 'no-such-tenant');
  await page.goto('about:blank');
  await open(page, tenant('globex'), 'READ');
  await expect(page.getByText(/Read-only/)).toBeVisible();
  await look(page, 'read-only');
  await page.goto('about:blank');
  await page.goto('/console/');
  await expect(page.getByText('Sign in to go on')).toBeVisible();
  await look(page, 'signed-out');
  await page.goto('about:blank');
  await open(page, tenant('acme'), 'WRONG');
  await expect(page.getByText(/link was used already/)).toBeVisible();
  await look(page, 'code-used');
});

test('looks: while nothing has come yet, and when it does not come', async ({ page }) => {
  const go = await held(page, '**/identity-sync');
  await open(page, tenant('acme'));
  await expect(page.getByRole('status', { name: 'Loading…' })).toBeVisible();
  await look(page, 'loading');
  go();
  await expect(inbound(page)).toBeVisible();
  await page.goto('about:blank');
  await page.unroute('**/identity-sync');
  await page.route('**/identity-sync', route => route.fulfill({ status: 502, body: '' }));
  await page.route('**/activity?*', route => route.fulfill({ status: 502, body: '' }));
  await open(page, tenant('acme'));
  await expect(page.getByRole('button', { name: 'Try again' })).toBeVisible();
  await look(page, 'load-failed');
  await page.unroute('**/identity-sync');
  await press(page, 'Try again');
  await expect(activity(page).getByRole('button', { name: 'Try again' })).toBeVisible();
  await page.route('**/identity-sync', route => route.fulfill({ status: 502, body: '' }));
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await expect(page.getByText(/does not answer right now/)).toBeVisible();
  await look(page, 'lost-meanwhile');
});

test('looks: answers that are lost', async ({ page }) => {
  await open(page, tenant('globex'));
  await lost(page, 'inbound/rotate');
  await press(page, 'Rotate token');
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate token' }).click();
  await expect(inbound(page).getByText('We could not confirm the result.')).toBeVisible();
  await look(page, 'rotate-lost');
  await page.route('**/identity-sync', route => route.fulfill({ status: 502, body: '' }));
  for (const [name, direction] of [
    ['inbound', inbound(page)],
    ['outbound', outbound(page)],
  ] as const) {
    await lost(page, `${name}/disable`);
    await direction.getByRole('button', { name: 'Disable' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
    await expect(page.getByRole('dialog')).toBeHidden();
    await expect(direction.getByText('We could not confirm the result.')).toBeVisible();
  }
  await look(page, 'disable-lost');
});

test('looks: a token on show that somebody else has replaced', async ({ page }) => {
  await open(page, tenant('acme'));
  await press(page, 'Enable inbound SCIM');
  await expect(page.getByRole('button', { name: 'Copy token' })).toBeFocused();
  await changed(page, panels => {
    panels.version += 1;
    panels.inbound.token_hint = 'q7Lm';
    panels.inbound.token_issued_by = 'lee@acme.io';
    panels.inbound.token_issued_at = now();
  });
  await again(page);
  await expect(inbound(page).getByText(/has stopped working/)).toBeVisible();
  await look(page, 'reveal-replaced');
});

test('looks: why pushes are paused, and what a backfill and an import are at', async ({ page }) => {
  const reasons = [
    ['forbidden', 'the downstream answers 403: the token may not do this'],
    ['gone', 'records are gone'],
    ['other', 'the downstream answers 200 with what is not SCIM'],
  ] as const;
  for (const [code, reason] of reasons) {
    await changed(page, ({ outbound: panel }) => {
      Object.assign(panel, { quarantine_code: code, quarantine_reason: reason });
    });
    await page.goto('about:blank');
    await open(page, tenant('umbrella'));
    await expect(outbound(page).getByText(/Paused/)).toBeVisible();
    await look(page, `quarantine-${code}`);
  }
  await page.goto('about:blank');
  await changed(page, panels => {
    panels.inbound.import = { state: 'done', imported: 48_210, started_at: now() };
    panels.outbound.paused_until = new Date(Date.now() + 600_000).toISOString();
    panels.outbound.health = { waiting: 4_310, parked: 0, oldest_waiting_seconds: 640, last_delivered_at: now() };
    panels.outbound.backfill = {
      id: 'b',
      state: 'paused',
      dry_run: false,
      started_at: now(),
      started_by: 'dana@acme.io',
      total: 48_210,
      seen: 12_004,
      create: 11_002,
      update: 900,
      in_step: 100,
      conflict: 2,
      groups: { total: 41, seen: 0, create: 0, update: 0, in_step: 0, conflict: 0 },
      sample: [],
    };
  });
  await open(page, tenant('globex'));
  await expect(outbound(page).getByText(/Paused by the downstream until/)).toBeVisible();
  await look(page, 'backfill-paused');
});

test('looks: a failed push opened, as wide and as narrow as it comes', async ({ page }) => {
  await open(page, tenant('globex'));
  const failed = activity(page).getByRole('button', { name: /Rejected · invalidValue/ });
  await failed.click();
  await expect(activity(page).getByRole('button', { name: 'Retry' })).toBeVisible();
  await look(page, 'failed-push');
  await page.setViewportSize({ width: 320, height: 640 });
  await activity(page)
    .getByRole('button', { name: /Out POST \/Users/ })
    .click();
  await expect(activity(page).getByText('create user', exact)).toBeVisible();
  await activity(page).scrollIntoViewIfNeeded();
  await axe(page);
  await activity(page).screenshot({ path: '.reports/looks/activity-open-320.png', animations: 'disabled' });
});

for (const slug of ['globex', 'umbrella', 'initech'])
  test(`looks: ${slug} otherwise`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await open(page, tenant(slug));
    await expect(activity(page).getByText('Live', exact)).toBeVisible();
    for (const line of (await page.locator('.kv-line').all()).slice(0, 1)) await line.click();
    await look(page, `${slug}-dark`);
    await page.emulateMedia({ colorScheme: 'light', forcedColors: 'active' });
    await look(page, `${slug}-forced-colours`);
    await page.emulateMedia({ forcedColors: 'none' });
    await page.setViewportSize({ width: 320, height: 640 });
    await look(page, `${slug}-320`);
  });

test('looks: narrow and dark', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 640 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await open(page, '/console/');
  await expect(page.getByText('1–25 of 10,000')).toBeVisible();
  await look(page, 'tenants-320-dark');
  await page.getByRole('link', { name: /Acme/ }).click();
  await press(page, 'Enable inbound SCIM');
  await expect(page.getByRole('button', { name: 'Copy token' })).toBeFocused();
  await look(page, 'token-320-dark');
  await press(page, 'Rotate token');
  await look(page, 'rotate-320-dark');
});

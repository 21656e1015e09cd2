import { tabTo } from './keys';
import { shifts, watchShifts } from './shifts';
import { axe, everything, expect, open, region, test } from './support';
import { whole } from './whole';

test('keyboard only: from the list to a rotated token and an enabled downstream', async ({ page }) => {
  await open(page, '/console/');
  await expect(page.getByRole('link', { name: /Acme/ })).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(page.getByText('Skip to content')).toBeFocused();
  await axe(page);
  await tabTo(page, /^Acme/);
  await page.keyboard.press('Enter');
  const inbound = region(page, 'Inbound SCIM');
  await expect(inbound).toBeVisible();
  await tabTo(page, 'Enable inbound SCIM');
  await page.keyboard.press('Enter');
  await expect(inbound.getByRole('button', { name: 'Copy token' })).toBeFocused();
  await axe(page);
  await tabTo(page, 'Rotate token');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toBeVisible();
  await axe(page);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(inbound.getByRole('button', { name: 'Rotate token' })).toBeFocused();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(inbound.getByRole('button', { name: 'Copy token' })).toBeFocused();
  await tabTo(page, 'Done');
  await page.keyboard.press('Enter');
  await expect(inbound.getByRole('button', { name: 'Keep it open' })).toBeFocused();
  await axe(page);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(inbound.getByRole('heading', { name: 'Inbound SCIM', exact: true })).toBeFocused();
  await tabTo(page, 'Set up your IdP');
  await page.keyboard.press('Enter');
  await tabTo(page, 'Okta');
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('tab', { name: 'Entra ID' })).toBeFocused();
  await expect(page.getByRole('tabpanel')).toContainText('Secret Token');
  await tabTo(page, 'Downstream SCIM base URL');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('https://downstream.example.com/scim/v2');
  await tabTo(page, 'Downstream bearer token');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('secret');
  await page.keyboard.press('Enter');
  await expect(region(page, 'Outbound SCIM').getByText('Enabled', { exact: true })).toBeVisible();
  await axe(page);
  await expect(
    region(page, 'Outbound SCIM').getByRole('heading', { name: 'Outbound SCIM', exact: true }),
  ).toBeFocused();
  await tabTo(page, 'Disable');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog').getByRole('button', { name: 'Cancel' })).toBeFocused();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(region(page, 'Outbound SCIM').getByText('Disabled', { exact: true })).toBeVisible();
  await axe(page);
  await tabTo(page, 'Disable', 'Shift+Tab');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(inbound.getByText('Disabled', { exact: true })).toBeVisible();
  await expect(inbound.getByRole('heading', { name: 'Inbound SCIM', exact: true })).toBeFocused();
  await axe(page);
});

test('keyboard only: a row of the activity opens, and shows only its user', async ({ page }) => {
  await open(page, '/console/tenants/globex');
  const activity = region(page, 'Recent activity');
  const rows = activity.getByRole('list', { name: 'Recent activity' }).getByRole('button', { expanded: false });
  await expect(rows.first()).toBeVisible();
  await tabTo(page, 'User');
  await page.keyboard.press('Tab');
  await expect(rows.first()).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(activity.getByRole('heading', { name: /All steps of this change/ })).toBeVisible();
  await axe(page);
  await tabTo(page, 'Only this user');
  await page.keyboard.press('Enter');
  await expect(activity.getByLabel('User', { exact: true })).not.toHaveValue('');
  await axe(page);
});

// One page for each tenant, as opening it costs more than looking at it.
for (const slug of ['acme', 'globex', 'initech', 'umbrella', 'long']) {
  test(`light, dark, 320 px, 200 % zoom: contrast and structure, and nothing is cut off or scrolls sideways (${slug})`, async ({
    page,
  }) => {
    const narrowed = async (width: number, height: number) => {
      await page.setViewportSize({ width, height });
      await whole(page);
      await axe(page);
    };
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await open(page, `/console/tenants/${slug}`);
    await expect(region(page, 'Recent activity')).toBeVisible();
    await test.step('light and dark, each row of the activity open', async () => {
      for (const line of await page.locator('.kv-line').all()) await line.click();
      await axe(page);
      await page.emulateMedia({ colorScheme: 'dark' });
      await axe(page);
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' });
    });
    await test.step('320 px, everything open', async () => {
      for (const summary of await page.locator('summary').all()) {
        const open = await summary.evaluate(element => (element.parentElement as HTMLDetailsElement).open);
        if (!open) await summary.click();
      }
      await narrowed(320, 640);
    });
    await test.step('200 % zoom, everything open, the token on show', async () => {
      const enable = page.getByRole('button', { name: 'Enable inbound SCIM' });
      if (await enable.isVisible()) {
        await enable.click();
        await region(page, 'Inbound SCIM').getByRole('button', { name: 'Show' }).click();
      }
      await page.evaluate(() => {
        for (const details of document.querySelectorAll('details')) details.open = true;
      });
      // A window of 1120 px at 200 % has 560 CSS pixels.
      await narrowed(560, 450);
    });
  });
}

test('200 % zoom: the list, the tenant and the people stay whole', async ({ page }) => {
  // A window of 1120 px at 200 % has 560 CSS pixels.
  await page.setViewportSize({ width: 560, height: 450 });
  await open(page, '/console/');
  await expect(page.getByRole('link', { name: /Acme/ })).toBeVisible();
  const checked = async () => {
    await whole(page);
    await axe(page);
  };
  await checked();
  await page.getByRole('link', { name: /شركة/ }).click();
  await expect(region(page, 'Recent activity')).toBeVisible();
  await checked();
  await page.getByRole('link', { name: 'Open Admin Console' }).click();
  await expect(page.getByRole('button', { name: 'New user' })).toBeVisible();
  await checked();
});

test('forced colours: borders and words carry what colour did', async ({ page }) => {
  await page.emulateMedia({ forcedColors: 'active' });
  await open(page, '/console/tenants/globex');
  await expect(region(page, 'Inbound SCIM').getByText('Enabled', { exact: true })).toHaveCSS(
    'border-top-style',
    'solid',
  );
  await axe(page);
});

// What was in sight and moved, from the first paint on, with every answer late.
for (const [name, path, there] of [
  ['the list', '/console/', '1–25 of 10,000'],
  ['a tenant with everything off', '/console/tenants/acme', 'Nothing has happened yet'],
  ['a tenant in use', '/console/tenants/globex', 'Delivering'],
  ['an embedded realm', '/console/tenants/initech', 'Users missing in the realm'],
  ['people', '/console/tenants/initech/people', 'Ada Lovelace'],
  ['a tenant in use, 320 px wide', '/console/tenants/globex', 'Delivering'],
] as const) {
  test(`no layout shift: ${name}`, async ({ page }) => {
    await watchShifts(page);
    // All of it in sight: what moves below the window is not counted.
    await page.setViewportSize(name.includes('320') ? { width: 320, height: 4800 } : { width: 1280, height: 2400 });
    // Each in its own time, so that every state in between is painted.
    for (const [url, ms] of [
      ['**/config.json', 200],
      ['**/console/session', 400],
      ['**/v1/**', 200],
    ] as const) {
      await page.route(url, async route => {
        await new Promise(resolve => setTimeout(resolve, ms));
        await route.continue();
      });
    }
    await open(page, path);
    await expect(page.getByText(there).first()).toBeVisible();
    if (/tenants\/\w+$/.test(path))
      await expect(region(page, 'Recent activity').getByText('Live', { exact: true })).toBeVisible();
    expect(await shifts(page)).toEqual({ value: 0, moved: [] });
  });
}

for (const width of [1120, 320]) {
  test(`the skeleton has the heights of the panels that are off (${width} px)`, async ({ page }) => {
    await page.setViewportSize({ width, height: 800 });
    const heights = () =>
      page.locator('.kv-panel').evaluateAll(all => all.map(one => Math.round(one.getBoundingClientRect().height)));
    let go = () => {};
    const gone = new Promise<void>(resolve => {
      go = resolve;
    });
    await page.route('**/identity-sync', async route => {
      await gone;
      await route.continue();
    });
    await open(page, '/console/tenants/acme');
    await expect(page.getByRole('status', { name: 'Loading…' })).toBeVisible();
    const before = await heights();
    go();
    await expect(page.getByText('Nothing has happened yet')).toBeVisible();
    const after = await heights();
    expect(before).toHaveLength(3);
    for (const [at, height] of before.entries()) expect(Math.abs(height - (after[at] ?? 0))).toBeLessThanOrEqual(4);
  });
}

test('motion: what moves while it waits, and nothing where less motion is wanted', async ({ page }) => {
  await page.route('**/inbound/enable', () => {});
  const moving = () => page.evaluate(() => document.getAnimations().length);
  await open(page, '/console/tenants/acme');
  await page.getByRole('button', { name: 'Enable inbound SCIM' }).click();
  await expect.poll(moving).toBe(1);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await expect.poll(moving).toBe(0);
  await expect(page.getByRole('button', { name: 'Enable inbound SCIM' })).toHaveAttribute('aria-busy', 'true');
  await page.unrouteAll({ behavior: 'ignoreErrors' });
});

test('the session ends: a calm page, and nothing of it stays', async ({ page }) => {
  await page.clock.install();
  await open(page, '/console/tenants/acme', 'SHORT');
  await expect(region(page, 'Inbound SCIM')).toBeVisible();
  // To the next look at the panels, when its two seconds are over.
  await page.clock.fastForward(12_000);
  await expect(page.getByRole('heading', { name: 'Your session has ended', exact: true })).toBeVisible();
  expect(page.url()).not.toContain('code');
  await axe(page);
});

test('the operator’s token is nowhere but in memory', async ({ page }) => {
  const tokens: string[] = [];
  page.on('request', request => {
    const header = request.headers().authorization;
    if (header) tokens.push(header.replace('Bearer ', ''));
    expect(request.url()).not.toMatch(/token|code|Bearer/i);
  });
  await open(page, '/console/tenants/globex');
  await expect(region(page, 'Recent activity').getByText('Live', { exact: true })).toBeVisible();
  expect(tokens.length).toBeGreaterThan(2);
  expect(await everything(page)).not.toContain(tokens[0]);
});

import type { Page } from '@playwright/test';
import { axe, everything, expect, open, region, test } from './support';

/** Presses Tab until something of this name has the focus: what cannot be reached so cannot be reached by keyboard. */
async function tabTo(page: Page, name: string) {
  for (let at = 0; at < 60; at++) {
    await page.keyboard.press('Tab');
    const found = await page.evaluate(() => {
      const element = document.activeElement;
      const labels = (element as HTMLInputElement | null)?.labels;
      return element?.getAttribute('aria-label') ?? labels?.[0]?.textContent ?? element?.textContent;
    });
    if (found?.trim() === name) return;
  }
  throw new Error(`no way to ${name} by keyboard`);
}

test('keyboard only: from the list to a rotated token and an enabled downstream', async ({ page }) => {
  await open(page, '/console/');
  await expect(page.getByRole('link', { name: /Acme/ })).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(page.getByText('Skip to content')).toBeFocused();
  await page.getByRole('link', { name: /Acme/ }).focus();
  await page.keyboard.press('Enter');
  const inbound = region(page, 'Inbound SCIM');
  await expect(inbound).toBeVisible();
  await tabTo(page, 'Enable inbound SCIM');
  await page.keyboard.press('Enter');
  await expect(inbound.getByRole('button', { name: 'Copy token' })).toBeFocused();
  await tabTo(page, 'Rotate token');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(inbound.getByRole('button', { name: 'Rotate token' })).toBeFocused();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(inbound.getByRole('button', { name: 'Copy token' })).toBeFocused();
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
});

for (const slug of ['acme', 'globex', 'initech', 'umbrella', 'long']) {
  test(`320 px: nothing is cut off or scrolls sideways (${slug})`, async ({ page }) => {
    await page.setViewportSize({ width: 320, height: 640 });
    await open(page, `/console/tenants/${slug}`);
    await expect(region(page, 'Inbound SCIM')).toBeVisible();
    for (const summary of await page.locator('summary').all()) {
      const open = await summary.evaluate(element => (element.parentElement as HTMLDetailsElement).open);
      if (!open) await summary.click();
    }
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBe(320);
    const small = await page.evaluate(() =>
      [...document.querySelectorAll('button, summary, select, input')]
        .map(element => ({ name: element.textContent, box: element.getBoundingClientRect() }))
        .filter(({ box }) => box.height > 0 && box.height < 18)
        .map(({ name }) => name),
    );
    expect(small).toEqual([]);
    await axe(page);
  });
}

test('200 % zoom: the list, the tenant and the people stay whole', async ({ page }) => {
  // A window of 1120 px at 200 % has 560 CSS pixels.
  await page.setViewportSize({ width: 560, height: 450 });
  await open(page, '/console/');
  await expect(page.getByRole('link', { name: /Acme/ })).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(560);
  await page.getByRole('link', { name: /شركة/ }).click();
  await page.getByRole('link', { name: 'Open Admin Console' }).click();
  await expect(page.getByRole('button', { name: 'New user' })).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(560);
  await axe(page);
});

for (const scheme of ['light', 'dark'] as const) {
  for (const slug of ['acme', 'globex', 'initech', 'umbrella']) {
    test(`${scheme}: contrast and structure (${slug})`, async ({ page }) => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await open(page, `/console/tenants/${slug}`);
      await expect(region(page, 'Recent activity')).toBeVisible();
      for (const line of await page.locator('.kv-line').all()) await line.click();
      await axe(page);
    });
  }
}

test('forced colours: borders and words carry what colour did', async ({ page }) => {
  await page.emulateMedia({ forcedColors: 'active' });
  await open(page, '/console/tenants/globex');
  await expect(region(page, 'Inbound SCIM').getByText('Enabled', { exact: true })).toHaveCSS(
    'border-top-style',
    'solid',
  );
  await axe(page);
});

test('no layout shift while loading', async ({ page }) => {
  await page.addInitScript(() => {
    const shifts: number[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver(list => {
      for (const entry of list.getEntries()) shifts.push((entry as unknown as { value: number }).value);
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.route('**/identity-sync', async route => {
    await new Promise(resolve => setTimeout(resolve, 400));
    await route.continue();
  });
  await open(page, '/console/tenants/acme');
  await expect(page.getByText('Nothing has happened yet')).toBeVisible();
  const shift = await page.evaluate(() =>
    (window as unknown as { shifts: number[] }).shifts.reduce((a, b) => a + b, 0),
  );
  expect(shift).toBeLessThan(0.1);
});

test('the session ends: a calm page, and nothing of it stays', async ({ page }) => {
  await open(page, '/console/tenants/acme', 'SHORT');
  await expect(region(page, 'Inbound SCIM')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Your session has ended' })).toBeVisible({ timeout: 15_000 });
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
  await expect(region(page, 'Recent activity').getByText('Live')).toBeVisible();
  expect(tokens.length).toBeGreaterThan(2);
  expect(await everything(page)).not.toContain(tokens[0]);
});

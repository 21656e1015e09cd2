import type { Page } from '@playwright/test';
import { tabTo } from '../keys';
import { expect, region, step, test } from './fixtures';
import { Entra } from './idp';
import type { Downstream } from './installation';

// The ways to use the panels other than by mouse on a wide screen, on what the product really answers.

/** Both directions on and used, the token on show, and what can be opened open. */
async function inUse(page: Page, baseUrl: string, downstream: Downstream) {
  const [inbound, outbound] = [region(page, 'Inbound SCIM'), region(page, 'Outbound SCIM')];
  await outbound.getByLabel('Downstream SCIM base URL').fill(downstream.url);
  await outbound.getByLabel('Downstream bearer token').fill(downstream.token);
  await outbound.getByRole('button', { name: 'Enable outbound SCIM' }).click();
  await expect(outbound.getByText('Enabled', { exact: true })).toBeVisible();
  await inbound.getByRole('button', { name: 'Enable inbound SCIM' }).click();
  await inbound.getByRole('button', { name: 'Show' }).click();
  const entra = new Entra(baseUrl, await inbound.getByLabel(/Token alone/).inputValue());
  expect((await entra.provision('a.rather.long.name.of.somebody@example.test', 'Ada', 'Lovelace')).status).toBe(201);
  const row = region(page, 'Recent activity').getByRole('button', { name: /Out POST \/Users 201/ });
  await row.click();
  for (const summary of await page.locator('summary').all()) {
    if (!(await summary.evaluate(one => (one.parentElement as HTMLDetailsElement).open))) await summary.click();
  }
}

test('keyboard only: a token, its rotation, a downstream, a row of the activity, and both off again', async ({
  page,
  tenant,
  installation: { downstream },
}) => {
  const [inbound, outbound] = [region(page, 'Inbound SCIM'), region(page, 'Outbound SCIM')];
  const press = async (name: string | RegExp, key?: string) => {
    await tabTo(page, name, key);
    await page.keyboard.press('Enter');
  };
  /** From Cancel, where the focus begins, to what is asked about. */
  const confirm = async () => {
    await expect(page.getByRole('dialog').getByRole('button', { name: 'Cancel' })).toBeFocused();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
  };
  let secret = '';
  await step(page, 'Enable inbound SCIM', async () => {
    await tenant.open(page);
    await expect(inbound.getByRole('button', { name: 'Enable inbound SCIM' })).toBeVisible();
    await press('Enable inbound SCIM');
    await expect(inbound.getByRole('button', { name: 'Copy token' })).toBeFocused();
  });
  await step(page, 'Rotate token: Esc goes back, the second press goes through', async () => {
    await press('Rotate token');
    await expect(page.getByRole('dialog')).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(inbound.getByRole('button', { name: 'Rotate token' })).toBeFocused();
    await page.keyboard.press('Enter');
    await confirm();
    await expect(inbound.getByRole('button', { name: 'Copy token' })).toBeFocused();
    await press('Show', 'Shift+Tab');
    secret = await inbound.getByLabel(/Token alone/).inputValue();
  });
  await step(page, 'Done', async () => {
    await press('Done');
    await expect(inbound.getByRole('button', { name: 'Keep it open' })).toBeFocused();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await expect(inbound.getByRole('heading', { name: 'Inbound SCIM' })).toBeFocused();
  });
  await step(page, 'Enable outbound SCIM, sent with Enter', async () => {
    for (const [field, value] of [
      ['Downstream SCIM base URL', downstream.url],
      ['Downstream bearer token', downstream.token],
    ] as const) {
      await tabTo(page, field);
      await page.keyboard.press('Control+A');
      await page.keyboard.type(value);
    }
    await page.keyboard.press('Enter');
    await expect(outbound.getByText('Enabled', { exact: true })).toBeVisible();
    await expect(outbound.getByRole('heading', { name: 'Outbound SCIM' })).toBeFocused();
  });
  await step(page, 'a row of the activity opens', async () => {
    const entra = new Entra(tenant.baseUrl, secret);
    expect((await entra.provision('ada@keys.test', 'Ada', 'Lovelace')).status).toBe(201);
    await expect(region(page, 'Recent activity').getByRole('button', { name: /Out POST \/Users 201/ })).toBeVisible();
    await press(/Out.*POST \/Users.*201/);
    await expect(page.getByRole('heading', { name: /All steps of this change/ })).toBeVisible();
  });
  await step(page, 'Disable, outbound and then inbound', async () => {
    await outbound.getByRole('heading', { name: 'Outbound SCIM' }).focus();
    await press('Disable');
    await confirm();
    await expect(outbound.getByText('Disabled', { exact: true })).toBeVisible();
    await press('Disable', 'Shift+Tab');
    await confirm();
    await expect(inbound.getByText('Disabled', { exact: true })).toBeVisible();
    await expect(inbound.getByRole('heading', { name: 'Inbound SCIM' })).toBeFocused();
    expect((await new Entra(tenant.baseUrl, secret).testConnection()).status).toBe(401);
  });
});

test('320 px, 200 % zoom, dark, forced colours, less motion: nothing is cut off, and axe finds nothing', async ({
  page,
  tenant,
  installation,
}) => {
  await tenant.open(page);
  await inUse(page, tenant.baseUrl, installation.downstream);
  // A window of 1120 px at 200 % has 560 CSS pixels.
  for (const width of [560, 320]) {
    await step(page, `${width} px`, async () => {
      await page.setViewportSize({ width, height: 640 });
      await expect(region(page, 'Inbound SCIM').getByRole('button', { name: 'Done' })).toBeVisible();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    });
  }
  await page.setViewportSize({ width: 1120, height: 800 });
  await step(page, 'dark, with less motion', async () => {
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
    expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
  });
  await step(page, 'forced colours', async () => {
    await page.emulateMedia({ colorScheme: 'light', forcedColors: 'active' });
    const badge = region(page, 'Inbound SCIM').getByText('Enabled', { exact: true });
    await expect(badge).toHaveCSS('border-top-style', 'solid');
    await expect(badge).not.toHaveCSS('border-top-color', 'rgba(0, 0, 0, 0)');
  });
});

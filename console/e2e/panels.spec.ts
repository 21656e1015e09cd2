import type { Response } from '@playwright/test';
import { axe, expect, open, region, step, test } from './support';
import { operator } from './world.mjs';

// What the guides' tests on the real program (e2e/real) leave out: states that are quicker to reach in a made-up world.

test('the steps for every identity provider, filled in', async ({ page }) => {
  await open(page, '/console/tenants/globex');
  const inbound = region(page, 'Inbound SCIM');
  await inbound.getByText('Set up your IdP').click();
  for (const name of ['Entra ID', 'Google Workspace', 'curl', 'Okta']) {
    await inbound.getByRole('tab', { name }).click();
    await expect(inbound.getByRole('tabpanel')).toContainText('https://login.globex.example/realms/globex/scim/v2');
    await axe(page);
  }
});

test('a backfill is rehearsed, run, paused, resumed and cancelled', async ({ page }) => {
  await open(page, '/console/tenants/globex');
  const outbound = region(page, 'Outbound SCIM');
  await outbound.getByText('Backfill', { exact: true }).click();
  await step(page, 'Start a dry run', async () => {
    await outbound.getByRole('button', { name: 'Start a dry run' }).click();
    await expect(outbound.getByText('3,902')).toBeVisible();
  });
  await step(page, 'Run backfill', async () => {
    await outbound.getByRole('button', { name: 'Run backfill' }).click();
    await outbound.getByRole('button', { name: 'Pause' }).click();
    await outbound.getByRole('button', { name: 'Resume' }).click();
    await outbound.getByRole('button', { name: 'Cancel' }).click();
    await expect(outbound.getByText(/cancelled/)).toBeVisible();
  });
});

for (const [direction, name] of [
  ['inbound', 'Inbound SCIM'],
  ['outbound', 'Outbound SCIM'],
] as const) {
  test(`a disable takes as long as the server needs: busy, Enabled and nothing announced until its answer (${direction})`, async ({
    page,
  }) => {
    let answer = () => {};
    const ended = new Promise<void>(resolve => (answer = resolve));
    await page.clock.install();
    await page.route(`**/${direction}/disable`, async route => {
      const done = await route.fetch();
      await ended;
      await route.fulfill({ response: done });
    });
    await open(page, '/console/tenants/globex');
    const panel = region(page, name);
    const dialog = page.getByRole('dialog');
    await panel.getByRole('button', { name: 'Disable' }).click();
    await dialog.getByRole('button', { name: 'Disable' }).click();
    // Control waits 20 s for what is in flight. It notes the disable first, so whoever looks meanwhile is told of it.
    const told = async (answer: Response) =>
      answer.url().endsWith('/identity-sync') && (await answer.json())[direction].status === 'disabled';
    const looked = page.waitForResponse(told);
    await page.clock.fastForward(30_000);
    await looked;
    await step(page, 'half a minute later', async () => {
      await expect(dialog.getByRole('button', { name: 'Disable' })).toHaveAttribute('aria-busy', 'true');
      await expect(panel.locator('.kv-badge')).toHaveText('Enabled');
      await expect(page.getByText(`${name}: Disabled`)).toHaveCount(0);
    });
    answer();
    await expect(dialog).toBeHidden();
    await expect(panel.locator('.kv-badge')).toHaveText('Disabled');
    await expect(panel.getByRole('heading', { name, exact: true })).toBeFocused();
  });

  test(`somebody else disables while the question is open: it goes, and the focus is on the heading (${direction})`, async ({
    page,
  }) => {
    await open(page, '/console/tenants/globex');
    const panel = region(page, name);
    await panel.getByRole('button', { name: 'Disable' }).click();
    await expect(page.getByRole('dialog')).toBeVisible();
    const other = await page.request.post(`/v1/tenants/globex/${direction}/disable`, {
      headers: { authorization: `Bearer ${operator()}` },
    });
    expect(other.ok()).toBe(true);
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await expect(page.getByRole('dialog')).toBeHidden();
    await expect(panel.locator('.kv-badge')).toHaveText('Disabled');
    await expect(panel.getByRole('heading', { name, exact: true })).toBeFocused();
  });
}

test('the options of the downstream are chosen and saved', async ({ page }) => {
  await open(page, '/console/tenants/globex');
  const outbound = region(page, 'Outbound SCIM');
  await step(page, 'Advanced', () => outbound.getByText('Advanced', { exact: true }).click());
  await step(page, 'Save', async () => {
    await outbound.getByLabel('When a user is deleted').selectOption('deactivate');
    await outbound.getByLabel('Hold a mass deactivation').check();
    await outbound.getByRole('button', { name: 'Save' }).click();
    await expect(outbound.getByText('Saved.')).toBeVisible();
    await expect(outbound.getByLabel('When a user is deleted')).toHaveValue('deactivate');
  });
});

test('a held mass deactivation is confirmed', async ({ page }) => {
  await open(page, '/console/tenants/umbrella');
  const outbound = region(page, 'Outbound SCIM');
  await outbound.getByRole('button', { name: 'Confirm' }).click();
  await step(page, 'Confirm', async () =>
    expect(page.getByRole('dialog')).toContainText('Deactivate 24 users downstream?'),
  );
  await page.getByRole('dialog').getByRole('button', { name: 'Confirm' }).click();
  await expect(outbound.getByText('Deactivations held')).toBeHidden();
});

test('parked users: Link shows the record first; Retry and Ignore', async ({ page }) => {
  await open(page, '/console/tenants/globex');
  const outbound = region(page, 'Outbound SCIM');
  await step(page, 'Link', async () => {
    await outbound.getByRole('button', { name: 'Link' }).click();
    await expect(page.getByRole('dialog')).toContainText('2819c223-7f76');
    await axe(page);
    await page.getByRole('dialog').getByRole('button', { name: 'Link' }).click();
  });
  const ignore = outbound.getByRole('button', { name: 'Ignore' });
  await expect(ignore).toHaveCount(2);
  await outbound.getByRole('button', { name: 'Retry' }).first().click();
  await expect(ignore).toHaveCount(1);
  await ignore.click();
  await expect(outbound.getByText('Parked users')).toBeHidden();
});

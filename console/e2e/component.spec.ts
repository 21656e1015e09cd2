import { version } from 'react';
import { axe, everything, expect, region, test } from './support';

// In one worker: each would bundle the host for itself.
test.describe.configure({ mode: 'default' });

test('the component in a console on its own React, beside another React: it outlives a redraw, and its token does not outlive it', async ({
  page,
}) => {
  const tokensOf = () => page.evaluate(() => (window as unknown as { tokens: string[] }).tokens);
  await page.goto('/hosts/component.html');
  await expect(page.getByRole('heading', { name: `React ${version}`, exact: true })).toBeVisible();
  await expect(page.getByText('Beside it: React 18.3.1')).toBeVisible();
  const inbound = region(page, 'Inbound SCIM');
  await inbound.getByRole('button', { name: 'Enable inbound SCIM' }).click();
  await expect(inbound.getByRole('button', { name: 'Copy token' })).toBeFocused();
  await inbound.getByRole('button', { name: 'Show' }).click();
  const token = await inbound.getByLabel(/Token alone/).inputValue();
  await axe(page);
  // A host that draws itself anew gives other functions: the session goes on, and what is on show stays.
  await page.getByRole('button', { name: 'Drawn 0' }).click();
  await expect(page.getByRole('button', { name: 'Drawn 1' })).toBeVisible();
  await expect(inbound.getByLabel(/Token alone/)).toHaveValue(token);
  await inbound.getByRole('button', { name: 'Rotate token' }).click();
  await expect(page.getByRole('dialog').getByRole('button', { name: 'Cancel' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(inbound.getByRole('button', { name: 'Rotate token' })).toBeFocused();
  const operators = await tokensOf();
  expect(operators.length).toBeGreaterThan(1);

  await page.getByRole('button', { name: 'Take away or bring back' }).click();
  await expect(inbound).toBeHidden();
  await expect(page.locator('.kv')).toHaveCount(0);
  const calls: string[] = [];
  page.on('request', request => calls.push(request.url()));
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  expect(calls).toEqual([]);

  await page.getByRole('button', { name: 'Take away or bring back' }).click();
  await expect(inbound.getByText('Enabled', { exact: true })).toBeVisible();
  const all = await everything(page);
  for (const secret of [token, ...operators]) expect(all).not.toContain(secret);
  const told = await page.evaluate(() => (window as unknown as { told: unknown[] }).told);
  expect(told).toEqual([{ direction: 'inbound', status: 'enabled' }]);
  await axe(page);
});

test('the component’s styles stay its own: constructed, once, and none of the host’s headings or buttons takes them', async ({
  page,
}) => {
  await page.goto('/hosts/component.html');
  await expect(region(page, 'Inbound SCIM')).toBeVisible();
  const before = await page
    .getByRole('button', { name: 'Drawn 0' })
    .evaluate(one => getComputedStyle(one).borderRadius);
  await page.getByRole('button', { name: 'Take away or bring back' }).click();
  await page.getByRole('button', { name: 'Take away or bring back' }).click();
  await expect(region(page, 'Inbound SCIM')).toBeVisible();
  expect(await page.evaluate(() => document.adoptedStyleSheets.length)).toBe(1);
  expect(await page.evaluate(() => document.querySelectorAll('style').length)).toBe(0);
  expect(before).not.toBe('8px');
  const enable = region(page, 'Inbound SCIM').getByRole('button', { name: 'Enable inbound SCIM' });
  await expect(enable).toHaveCSS('border-radius', '8px');
});

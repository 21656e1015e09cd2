import { createHash } from 'node:crypto';
import { axe, everything, expect, region, test } from './support';

test('the element in a hostile host page', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto('/hosts/hostile.html');
  const inbound = region(page, 'Inbound SCIM');
  await expect(inbound).toBeVisible();
  await expect(inbound.getByText(/Your identity provider pushes/)).toHaveCSS('color', 'rgb(24, 27, 34)');
  await expect(inbound.getByText(/Your identity provider pushes/)).toHaveCSS('text-transform', 'none');
  await inbound.getByRole('button', { name: 'Enable inbound SCIM' }).click();
  await expect(inbound.getByRole('button', { name: 'Copy token' })).toBeVisible();
  await inbound.getByRole('button', { name: 'Copy token' }).click();
  const token = await page.evaluate(() => navigator.clipboard.readText());
  expect(token).toMatch(/^kscim_/);
  await inbound.getByRole('button', { name: 'Rotate token' }).click();
  await expect(page.getByRole('dialog').getByRole('button', { name: 'Cancel' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(inbound.getByRole('button', { name: 'Rotate token' })).toBeFocused();
  await region(page, 'Outbound SCIM').getByLabel('Downstream bearer token').fill('other-secret');
  await inbound.getByRole('button', { name: 'Done' }).click();
  expect(await everything(page)).not.toContain(token);
  const heard = await page.evaluate(() => (window as unknown as { heard: unknown }).heard);
  expect(heard).toEqual([{ name: 'changed', detail: { direction: 'inbound', status: 'enabled' } }]);
  await axe(page);
});

test('the element follows its attributes, and leaves nothing when removed', async ({ page }) => {
  await page.goto('/hosts/hostile.html');
  const element = page.locator('kevra-identity-sync');
  await expect(region(page, 'Inbound SCIM')).toBeVisible();
  await element.evaluate(one => one.setAttribute('theme', 'dark'));
  await expect(region(page, 'Inbound SCIM').getByText(/Your identity provider/)).toHaveCSS(
    'color',
    'rgb(231, 233, 239)',
  );
  await element.evaluate(one => one.setAttribute('tenant', 'umbrella'));
  await expect(page.getByText('Your session has ended').or(page.getByText(/Paused: downstream/))).toBeVisible();
  await element.evaluate(one => {
    Object.assign(one, { getToken: () => Promise.reject(new Error('signed out')) });
    one.setAttribute('tenant', 'globex');
  });
  await expect(page.getByText('Your session has ended')).toBeVisible();
  // The host signs in again.
  await page.addScriptTag({ url: '/hosts/host.js?again', type: 'module' });
  await expect(region(page, 'Inbound SCIM')).toBeVisible();
  await element.evaluate(one => {
    const parent = one.parentElement;
    one.remove();
    parent?.append(one);
  });
  await expect(region(page, 'Outbound SCIM')).toBeVisible();
});

test('the manifest names the element’s hash, every file of the page is there, and the component leaves React to its host', async ({
  request,
}) => {
  const manifest = await (await request.get('/console/manifest.json')).json();
  const text = await (await request.get(`/console/${manifest.react}`)).text();
  const imports = [...text.matchAll(/(?:from|import)\s*["']([^"']+)["']/g)].map(([, name]) => name);
  expect([...new Set(imports)].sort()).toEqual(['react', 'react/jsx-runtime']);
  const embed = await (await request.get('/console/embed.js')).body();
  expect(manifest.embed.integrity).toBe(`sha384-${createHash('sha384').update(embed).digest('base64')}`);
  for (const file of [...manifest.assets, manifest.react, manifest.page]) {
    expect((await request.get(`/console/${file}`)).status()).toBe(200);
  }
});

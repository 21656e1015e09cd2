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
  await expect(inbound.getByRole('button', { name: 'Copied' })).toBeVisible();
  const token = await page.evaluate(() => navigator.clipboard.readText());
  expect(token).toMatch(/^kvs_/);
  await inbound.getByRole('button', { name: 'Rotate token' }).click();
  await expect(page.getByRole('dialog').getByRole('button', { name: 'Cancel' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(inbound.getByRole('button', { name: 'Rotate token' })).toBeFocused();
  await region(page, 'Outbound SCIM').getByLabel('Downstream bearer token').fill('other-secret');
  await inbound.getByRole('button', { name: 'Done' }).click();
  expect(await everything(page)).not.toContain(token);
  const heard = await page.evaluate(() => (window as unknown as { heard: unknown }).heard);
  expect(heard).toEqual([{ name: 'changed', detail: { direction: 'inbound', status: 'enabled' } }]);
  await axe(page);
});

test('a clipboard that refuses: the command stands there whole and selected, for the keys that copy', async ({
  page,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.addInitScript(() => {
    navigator.clipboard.writeText = () => Promise.reject(new Error('denied'));
  });
  await page.goto('/hosts/hostile.html');
  const inbound = region(page, 'Inbound SCIM');
  await inbound.getByRole('button', { name: 'Enable inbound SCIM' }).click();
  const command = inbound.locator('pre', { hasText: 'ServiceProviderConfig' }).first();
  await expect(command).toContainText('………');
  await inbound.getByRole('button', { name: 'Copy command' }).first().click();
  await expect(command).toBeFocused();
  await expect(command).not.toContainText('………');
  await expect(inbound.getByText('Press Ctrl+C to copy.')).toBeVisible();
  await page.keyboard.press('Control+C');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(await command.textContent());
  await page.keyboard.press('Tab');
  await expect(command).toContainText('………');
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

test('without a theme the element is as light or dark as its page, not as the system', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto('/hosts/hostile.html');
  await page.locator('kevra-identity-sync').evaluate(one => one.removeAttribute('theme'));
  const words = region(page, 'Inbound SCIM').getByText(/Your identity provider pushes/);
  await expect(words).toHaveCSS('color', 'rgb(24, 27, 34)');
  await page.evaluate(() => {
    document.documentElement.style.colorScheme = 'light dark';
  });
  await expect(words).toHaveCSS('color', 'rgb(231, 233, 239)');
});

test('the element in a hostile console on React 18: it outlives a redraw of its host, and its token does not outlive it', async ({
  page,
}) => {
  await page.goto('/hosts/react-18.html');
  await expect(page.getByRole('heading', { name: 'React 18.3.1', exact: true })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'React 18.3.1', exact: true })).toHaveCSS('color', 'rgb(255, 0, 0)');
  const inbound = region(page, 'Inbound SCIM');
  await expect(inbound.getByText(/Your identity provider pushes/)).toHaveCSS('color', 'rgb(24, 27, 34)');
  await inbound.getByRole('button', { name: 'Enable inbound SCIM' }).click();
  await inbound.getByRole('button', { name: 'Show' }).click();
  const token = await inbound.getByLabel(/Token alone/).inputValue();
  await page.getByRole('button', { name: 'Drawn 0' }).click();
  await expect(page.getByRole('button', { name: 'Drawn 1' })).toBeVisible();
  await expect(inbound.getByLabel(/Token alone/)).toHaveValue(token);
  await axe(page);
  await page.getByRole('button', { name: 'Take away or bring back' }).click();
  await expect(inbound).toBeHidden();
  await page.getByRole('button', { name: 'Take away or bring back' }).click();
  await expect(inbound.getByText('Enabled', { exact: true })).toBeVisible();
  expect(await everything(page)).not.toContain(token);
});

test('a host styles the element by its properties and its parts, and hears of a refusal by its code alone', async ({
  page,
}) => {
  await page.goto('/hosts/hostile.html');
  const enable = region(page, 'Inbound SCIM').getByRole('button', { name: 'Enable inbound SCIM' });
  await expect(enable).toHaveCSS('background-color', 'rgb(44, 80, 207)');
  await page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(
      'kevra-identity-sync { --kv-accent: rgb(1, 2, 3) } kevra-identity-sync::part(button) { letter-spacing: 3px }',
    );
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  });
  await expect(enable).toHaveCSS('background-color', 'rgb(1, 2, 3)');
  await expect(enable).toHaveCSS('letter-spacing', '3px');
  for (const [status, body, name] of [
    [409, { code: 'not_enabled' }, 'error'],
    [401, { code: 'unauthorized' }, 'session-ended'],
  ] as const) {
    await page.route('**/inbound/enable', route => route.fulfill({ status, json: body }), { times: 1 });
    await enable.click();
    await expect
      .poll(() => page.evaluate(() => (window as unknown as { heard: { name: string }[] }).heard.at(-1)?.name))
      .toBe(name);
  }
  const heard = await page.evaluate(() => (window as unknown as { heard: unknown }).heard);
  expect(heard).toEqual([
    { name: 'error', detail: { code: 'not_enabled' } },
    { name: 'session-ended', detail: null },
  ]);
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

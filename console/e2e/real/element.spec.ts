import { listen, told } from '../told';
import { everything, expect, region, step, test } from './fixtures';
import { Entra } from './idp';
import { call } from './installation';
import { inboundOn, outboundOn } from './on';

// The element in another console's page, which alone decides what its tokens are good for.

test('in a hostile console on React 18: rude styles stay outside, it outlives a redraw, its token does not outlive it', async ({
  page,
  tenant,
}) => {
  await listen(page);
  const inbound = region(page, 'Inbound SCIM');
  let secret = '';
  await step(page, 'another React and rude styles around it', async () => {
    await tenant.open(page, 'dana@acme.test', { at: 'hosts/react-18.html' });
    const heading = page.getByRole('heading', { name: 'React 18.3.1', exact: true });
    await expect(heading).toHaveCSS('color', 'rgb(255, 0, 0)');
    await expect(heading).toHaveCSS('text-transform', 'uppercase');
    const words = inbound.getByText(/Your identity provider pushes/);
    await expect(words).toHaveCSS('color', 'rgb(24, 27, 34)');
    await expect(words).toHaveCSS('text-transform', 'none');
    await expect(words).not.toHaveCSS('font-family', 'fantasy');
  });
  await step(page, 'Enable inbound SCIM: a token that works', async () => {
    secret = await inboundOn(page);
    expect((await new Entra(tenant.baseUrl, secret).testConnection()).status).toBe(200);
  });
  await step(page, 'the host draws itself anew: what is on show stays', async () => {
    await page.getByRole('button', { name: 'Drawn 0' }).click();
    await expect(page.getByRole('button', { name: 'Drawn 1' })).toBeVisible();
    await expect(inbound.getByLabel(/Token alone/)).toHaveValue(secret);
  });
  await step(page, 'a dialog of its own: Esc gives the focus back', async () => {
    await inbound.getByRole('button', { name: 'Rotate token' }).click();
    await expect(page.getByRole('dialog').getByRole('button', { name: 'Cancel' })).toBeFocused();
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toBeHidden();
    await expect(inbound.getByRole('button', { name: 'Rotate token' })).toBeFocused();
  });
  await step(page, 'taken away and brought back: enabled, and the token is nowhere', async () => {
    await page.getByRole('button', { name: 'Take away or bring back' }).click();
    await expect(inbound).toBeHidden();
    await page.getByRole('button', { name: 'Take away or bring back' }).click();
    await expect(inbound.getByText('Enabled', { exact: true })).toBeVisible();
    expect(await everything(page)).not.toContain(secret);
    const events = await told(page);
    expect(events).toContain('kevra-sync:changed {"direction":"inbound","status":"enabled"}');
    expect(events).not.toContain(secret);
  });
});

test('who may only look sees both panels and the log, has nothing to press, and control refuses them too', async ({
  page,
  tenant,
  installation: { controlUrl, downstream },
}) => {
  const [inbound, outbound] = [region(page, 'Inbound SCIM'), region(page, 'Outbound SCIM')];
  const row = region(page, 'Recent activity').getByRole('button', { name: /Out POST \/Users 201/ });
  let token = '';
  await step(page, 'somebody who may change things turns both directions on', async () => {
    await tenant.open(page);
    await outboundOn(page, downstream);
    const entra = new Entra(tenant.baseUrl, await inboundOn(page));
    expect((await entra.provision(`ada@${tenant.slug}.test`, 'Ada', 'Lovelace')).status).toBe(201);
    await expect(row).toBeVisible();
  });
  await step(page, 'somebody who may not looks at it', async () => {
    const asked = page.waitForResponse(/\/token\?/);
    await tenant.open(page, 'lee@acme.test', { scope: 'sync:read' });
    token = await (await asked).text();
    await expect(page.getByText('Read-only: changes need the right sync:write.')).toBeVisible();
    for (const panel of [inbound, outbound]) await expect(panel.getByText('Enabled', { exact: true })).toBeVisible();
    await expect(row).toBeVisible();
    await expect(page.getByText('Live', { exact: true })).toBeVisible();
  });
  await step(page, 'whatever is open, only copying and looking is left', async () => {
    for (const summary of await page.locator('summary').all()) await summary.click();
    await row.click();
    const names = await page.getByRole('button').evaluateAll(all => all.map(one => one.ariaLabel ?? one.textContent));
    expect(names.filter(name => !/^(Copy|Pause$|Only this user$|\d\d:\d\d:\d\d)/.test(name ?? ''))).toEqual([]);
    for (const field of await inbound.locator('form :is(input, select)').all()) await expect(field).toBeDisabled();
    for (const field of await outbound.locator('form :is(input, select)').all()) await expect(field).toBeDisabled();
  });
  await step(page, 'past the page, control refuses', async () => {
    const disable = `${controlUrl}/v1/tenants/${tenant.slug}/inbound/disable`;
    await expect(call('POST', disable, token)).rejects.toThrow(/403.*forbidden/);
    await page.reload();
    await expect(inbound.getByText('Enabled', { exact: true })).toBeVisible();
  });
});

for (const [what, handed] of [
  ['the host has no more tokens', () => ''],
  ['control does not take the token any more', (token: string) => `${token.slice(0, -8)}AAAAAAAA`],
] as const) {
  test(`the session ends: ${what}`, async ({ page, tenant }) => {
    await listen(page);
    const inbound = region(page, 'Inbound SCIM');
    let secret = '';
    await step(page, 'a token is on show', async () => {
      // With less than a minute left the next one is asked for before each call.
      await tenant.open(page, 'dana@acme.test', { life: '50' });
      secret = await inboundOn(page);
    });
    await step(page, 'a calm page, the host is told, and nothing of it stays', async () => {
      await page.route(/\/token\?/, async route => {
        const answer = await route.fetch();
        await route.fulfill({ response: answer, body: handed(await answer.text()) });
      });
      await inbound.getByRole('button', { name: 'Rotate token' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Rotate token' }).click();
      await expect(page.getByRole('alert')).toContainText('Your session has ended');
      await expect(inbound).toHaveCount(0);
      expect(await everything(page)).not.toContain(secret);
      expect(await told(page)).toContain('kevra-sync:session-ended');
      expect(await told(page)).not.toContain(secret);
    });
    await step(page, 'the old token still works: nothing was rotated', async () => {
      expect((await new Entra(tenant.baseUrl, secret).testConnection()).status).toBe(200);
    });
  });
}

import type { Page } from '@playwright/test';
import { tabTo } from '../keys';
import { drawn, moving } from '../senses';
import { whole } from '../whole';
import { axe, expect, kept, region, step, test } from './fixtures';
import { Entra, Okta } from './idp';
import { type Downstream, record, type Tenant } from './installation';
import { inboundOn, outboundOn } from './on';

// The ways to use the panels other than by mouse on a wide screen, on what the product really answers.

/** Both directions on and used, the token on show, and what can be opened open. */
async function inUse(page: Page, { slug, baseUrl }: Tenant, downstream: Downstream) {
  await outboundOn(page, downstream);
  const entra = new Entra(baseUrl, await inboundOn(page));
  expect((await entra.provision(`a.rather.long.name@${slug}.test`, 'Ada', 'Lovelace')).status).toBe(201);
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
    await expect(page.getByRole('dialog')).toBeHidden();
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
    await expect(inbound.getByRole('heading', { name: 'Inbound SCIM', exact: true })).toBeFocused();
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
    await expect(outbound.getByRole('heading', { name: 'Outbound SCIM', exact: true })).toBeFocused();
  });
  await step(page, 'a row of the activity opens', async () => {
    const entra = new Entra(tenant.baseUrl, secret);
    expect((await entra.provision('ada@keys.test', 'Ada', 'Lovelace')).status).toBe(201);
    await expect(region(page, 'Recent activity').getByRole('button', { name: /Out POST \/Users 201/ })).toBeVisible();
    await press(/Out.*POST \/Users.*201/);
    await expect(page.getByRole('heading', { name: /All steps of this change/ })).toBeVisible();
  });
  await step(page, 'Disable, outbound and then inbound', async () => {
    await outbound.getByRole('heading', { name: 'Outbound SCIM', exact: true }).focus();
    await press('Disable');
    await confirm();
    await expect(outbound.getByText('Disabled', { exact: true })).toBeVisible();
    await expect(outbound.getByRole('heading', { name: 'Outbound SCIM', exact: true })).toBeFocused();
    await press('Disable', 'Shift+Tab');
    await confirm();
    await expect(inbound.getByText('Disabled', { exact: true })).toBeVisible();
    await expect(inbound.getByRole('heading', { name: 'Inbound SCIM', exact: true })).toBeFocused();
    expect((await new Entra(tenant.baseUrl, secret).testConnection()).status).toBe(401);
  });
});

test('keyboard only: what waits for a person is dealt with, and the focus goes on to the next', async ({
  page,
  tenant,
  installation: { downstream },
}) => {
  const outbound = region(page, 'Outbound SCIM');
  const parked = outbound.locator('.kv-list').getByRole('listitem');
  const foreign = (userName: string) => ({ userName, externalId: 'of somebody else', active: true });
  const pressed = async (name: string, key?: string) => {
    await tabTo(page, name, key);
    await page.keyboard.press('Enter');
  };
  /** Of the row that is first now, somebody else having been there before. */
  const next = (rows: number, what: string) =>
    test.step(`${rows} left`, async () => {
      await expect(parked).toHaveCount(rows);
      await expect(parked.first().getByRole('button', { name: what })).toBeFocused();
    });
  await step(page, 'three users whose names are taken downstream', async () => {
    await tenant.open(page);
    await outboundOn(page, downstream);
    const okta = new Okta(tenant.baseUrl, `Bearer ${await inboundOn(page)}`);
    for (const name of ['ada', 'mary', 'joan'].map(given => `${given}@${tenant.slug}.test`)) {
      expect((await record(downstream, 'POST', '/Users', foreign(name))).status).toBe(201);
      expect((await okta.assign(name, 'Given', 'Family')).status).toBe(201);
    }
    await expect(parked).toHaveCount(3);
  });
  await step(page, 'Link, through its dialog: the next one’s first action', async () => {
    await outbound.getByRole('heading', { name: 'Outbound SCIM', exact: true }).focus();
    await pressed('Link');
    await expect(page.getByRole('dialog')).toContainText('of somebody else');
    await pressed('Link');
    await next(2, 'Link');
  });
  await step(page, 'Ignore: the next one’s first action', async () => {
    await pressed('Ignore');
    await next(1, 'Link');
  });
  await step(page, 'Retry of the last one: the heading', async () => {
    const name = (await parked.locator('.kv-strong').textContent()) ?? '';
    const found = await kept(downstream, name);
    expect((await record(downstream, 'PUT', `/Users/${found?.id}`, foreign(`once-${name}`))).status).toBe(200);
    await pressed('Retry');
    await expect(outbound.getByText('Parked users')).toBeHidden();
    await expect(outbound.getByRole('heading', { name: 'Outbound SCIM', exact: true })).toBeFocused();
  });
  await step(
    page,
    'Start a dry run, Test connection: a button that was busy has it again, or the one in its place',
    async () => {
      await pressed('Test connection');
      await expect(outbound.getByText(/answers and speaks SCIM/)).toBeVisible();
      await expect(outbound.getByRole('button', { name: 'Test connection' })).toBeFocused();
      await pressed('Backfill');
      await pressed('Start a dry run');
      await expect(outbound.getByText(/^Dry run done/)).toBeVisible();
      await expect(outbound.getByRole('button', { name: 'Dry run again' })).toBeFocused();
    },
  );
});

test('320 px and 200 % zoom: each state of both panels is whole, and axe finds nothing', async ({
  page,
  tenant,
  installation: { downstream },
}) => {
  const [inbound, outbound] = [region(page, 'Inbound SCIM'), region(page, 'Outbound SCIM')];
  const dialog = page.getByRole('dialog');
  const state = (name: string, body: () => Promise<void>) =>
    test.step(name, async () => {
      await body();
      // A window of 1120 px at 200 % has 560 CSS pixels.
      for (const width of [560, 320]) {
        await page.setViewportSize({ width, height: 640 });
        await whole(page);
        await axe(page);
      }
    });
  await state('both off', async () => {
    await tenant.open(page);
    await expect(region(page, 'Recent activity').getByText('Nothing has happened yet')).toBeVisible();
  });
  await state('fields that cannot stay', async () => {
    await outbound.getByLabel('Downstream SCIM base URL').fill(`${downstream.url}/Users?a=b#c`);
    await outbound.getByLabel('Downstream bearer token').fill('');
    await outbound.getByRole('button', { name: 'Enable outbound SCIM' }).click();
    await expect(outbound.getByText('Take the fragment (#…) off.')).toBeVisible();
  });
  await state('a probe that fails', async () => {
    await outbound.getByLabel('Downstream SCIM base URL').fill(downstream.url);
    await outbound.getByLabel('Downstream bearer token').fill('Bearer wrong');
    await outbound.getByRole('button', { name: 'Enable outbound SCIM' }).click();
    await expect(outbound.getByRole('alert')).toContainText('401 Unauthorized');
  });
  await state('both on and used, the token on show, everything open', () => inUse(page, tenant, downstream));
  await state('a test user', async () => {
    await outbound.getByRole('button', { name: 'Send a test user' }).click();
    await expect(outbound.getByText(/took the test user/)).toBeVisible();
  });
  await state('a dry run', async () => {
    await outbound.getByRole('button', { name: 'Start a dry run' }).click();
    await expect(outbound.getByText(/^Dry run done/)).toBeVisible();
  });
  await state('the question before Done', async () => {
    await inbound.getByRole('button', { name: 'Done' }).click();
    await expect(inbound.getByText('You have not copied the token. Close anyway?')).toBeVisible();
  });
  for (const [panel, name] of [
    [inbound, 'Rotate token'],
    [inbound, 'Disable'],
    [outbound, 'Disable'],
  ] as const) {
    await state(`${name} asks`, async () => {
      await panel.getByRole('button', { name }).click();
      await expect(dialog).toBeVisible();
    });
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  }
});

test('dark, with less motion: axe finds nothing, and what moves while it waits stands still', async ({
  page,
  tenant,
}) => {
  const hold = async (call: string) => {
    let go = () => {};
    const gone = new Promise<void>(resolve => (go = resolve));
    await page.route(call, async route => {
      await gone;
      await route.continue();
    });
    return go;
  };
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const [what, call, begin, there] of [
    ['the skeleton', '**/identity-sync', () => tenant.open(page), page.getByRole('status', { name: 'Loading…' })],
    [
      'a busy button',
      '**/inbound/enable',
      () => page.getByRole('button', { name: 'Enable inbound SCIM' }).click(),
      page.locator('[aria-busy=true]'),
    ],
  ] as const) {
    await step(page, what, async () => {
      const go = await hold(call);
      await begin();
      await expect(there).toBeVisible();
      expect(await moving(page)).not.toEqual([]);
      await page.emulateMedia({ reducedMotion: 'reduce' });
      expect(await moving(page)).toEqual([]);
      await expect(there).toBeVisible();
      await axe(page);
      go();
      await expect(there).toBeHidden();
      await page.emulateMedia({ reducedMotion: 'no-preference' });
    });
  }
});

test('forced colours: lines and words carry what colour did', async ({
  page,
  tenant,
  installation: { downstream },
}) => {
  const [inbound, outbound] = [region(page, 'Inbound SCIM'), region(page, 'Outbound SCIM')];
  await page.emulateMedia({ forcedColors: 'active' });
  await step(page, 'a badge has a line around it, off as on; what went wrong stands in a box', async () => {
    await tenant.open(page);
    await expect(outbound.getByText('Disabled', { exact: true })).toBeVisible();
    expect(await drawn(outbound.getByText('Disabled', { exact: true }))).toMatchObject({ border: true });
    await outbound.getByLabel('Downstream SCIM base URL').fill(downstream.url);
    await outbound.getByLabel('Downstream bearer token').fill('wrong');
    await outbound.getByRole('button', { name: 'Enable outbound SCIM' }).click();
    await expect(outbound.getByRole('alert')).toContainText('401 Unauthorized');
    expect(await drawn(outbound.getByRole('alert'))).toMatchObject({ border: true });
  });
  await step(page, 'in use: badges, the dot of what is delivered, the token’s box', async () => {
    await inUse(page, tenant, downstream);
    for (const badge of [inbound, outbound].map(panel => panel.getByText('Enabled', { exact: true }))) {
      expect(await drawn(badge)).toMatchObject({ border: true });
    }
    expect(await drawn(page.getByText('Live', { exact: true }))).toMatchObject({ border: true });
    expect(await drawn(outbound.getByText(/^Delivering/), '::before')).toMatchObject({ border: true });
    expect(await drawn(inbound.getByRole('group', { name: 'Your bearer token' }))).toMatchObject({ border: true });
  });
  await step(page, 'the tab that is chosen is told from the others by its line', async () => {
    const [chosen, other] = await Promise.all(
      [true, false].map(selected => drawn(inbound.getByRole('tab', { selected }).first())),
    );
    expect(chosen?.border).toBe(true);
    expect(chosen?.borderColor).not.toBe(other?.borderColor);
  });
  await step(page, 'the focus is seen on whatever has it', async () => {
    for (const one of [
      inbound.getByRole('button', { name: 'Copy token' }),
      inbound.getByText('Set up your IdP'),
      inbound.getByRole('tab', { selected: true }),
      region(page, 'Recent activity').getByLabel('Outcome'),
      region(page, 'Recent activity').getByLabel('User', { exact: true }),
    ]) {
      await one.focus();
      // By keyboard, as who looks for the focus moves it.
      await page.keyboard.press('Shift');
      expect(await drawn(one)).toMatchObject({ outline: true });
    }
  });
  await step(page, 'a button that cannot be pressed is told from one that can', async () => {
    await page.route('**/outbound/test', () => {});
    await outbound.getByRole('button', { name: 'Test connection' }).click();
    const busy = outbound.getByRole('button', { name: 'Test connection' });
    await expect(busy).toBeDisabled();
    const [off, on] = [await drawn(busy), await drawn(inbound.getByRole('button', { name: 'Rotate token' }))];
    expect(off.color).not.toBe(on.color);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
  });
});

import { expect, kept, region, step, test, until } from './fixtures';
import { front } from './front';
import { Okta } from './idp';
import { call, type Kept, record } from './installation';
import { inboundOn, outboundOff, outboundOn } from './on';

// What waits for a person, or for the downstream: nothing of it is lost, and the panel says how it goes on.

test('row 43, a conflict: Retry goes through once the record is out of the way, Ignore holds until the user is edited', async ({
  page,
  tenant,
  installation: { downstream },
}) => {
  const outbound = region(page, 'Outbound SCIM');
  const [one, two] = [`mary@${tenant.slug}.test`, `joan@${tenant.slug}.test`];
  const parked = (name: string) => outbound.getByRole('listitem').filter({ hasText: name });
  const since = (name: string) => parked(name).locator('time');
  await step(page, 'two users whose names are taken downstream are parked', async () => {
    await tenant.open(page);
    await outboundOn(page, downstream);
    const okta = new Okta(tenant.baseUrl, `Bearer ${await inboundOn(page)}`);
    for (const userName of [one, two]) {
      const foreign = { userName, externalId: 'of somebody else', active: true };
      expect((await record(downstream, 'POST', '/Users', foreign)).status).toBe(201);
      expect((await okta.assign(userName, 'Given', 'Family')).status).toBe(201);
    }
    for (const name of [one, two]) {
      await expect(parked(name)).toContainText(/conflict.*Edit the user, or Link the existing record/);
      await expect(parked(name).getByRole('button')).toHaveText(['Link', 'Retry', 'Ignore']);
    }
  });
  await step(page, 'Retry, while it is in the way: parked again', async () => {
    const before = await since(one).getAttribute('datetime');
    await parked(one).getByRole('button', { name: 'Retry' }).click();
    await expect(page.getByText('It will be tried again now.')).toBeAttached();
    await expect(since(one)).not.toHaveAttribute('datetime', before ?? '');
    await expect(parked(one)).toContainText('conflict');
    expect((await kept(downstream, one))?.externalId).toBe('of somebody else');
  });
  await step(page, 'Retry, when it has another name: pushed', async () => {
    const found = await kept(downstream, one);
    const renamed = { userName: `once-${one}`, externalId: 'of somebody else', active: true };
    expect((await record(downstream, 'PUT', `/Users/${found?.id}`, renamed)).status).toBe(200);
    await parked(one).getByRole('button', { name: 'Retry' }).click();
    await expect(parked(one)).toHaveCount(0);
    const pushed = region(page, 'Recent activity').getByRole('button', {
      name: new RegExp(`Out POST /Users 201.*${one}`),
    });
    await expect(pushed).toBeVisible();
    expect((await kept(downstream, one))?.externalId).not.toBe('of somebody else');
  });
  await step(page, 'Ignore: nothing waits any more, and nothing was taken over', async () => {
    await parked(two).getByRole('button', { name: 'Ignore' }).click();
    await expect(page.getByText('Ignored until the user is edited.')).toBeAttached();
    await expect(outbound.getByText('Parked users')).toBeHidden();
    expect((await kept(downstream, two))?.externalId).toBe('of somebody else');
  });
  await step(page, 'an edit brings the user back', async () => {
    await tenant.rename(two, 'Edited');
    await expect(parked(two)).toContainText('conflict');
  });
});

test('row 43, 401 on every push: paused, nothing dropped, and Disable and Enable with a token that works go on', async ({
  page,
  tenant,
  installation,
}) => {
  const downstream = await front(installation.downstream);
  const outbound = region(page, 'Outbound SCIM');
  const person = `edsger@${tenant.slug}.test`;
  await step(page, 'a push is refused', async () => {
    await tenant.open(page);
    await outboundOn(page, downstream);
    const okta = new Okta(tenant.baseUrl, `Bearer ${await inboundOn(page)}`);
    downstream.become('refuses');
    expect((await okta.assign(person, 'Edsger', 'Dijkstra')).status).toBe(201);
    await expect(outbound.getByRole('alert')).toContainText(
      /Paused: downstream answers 401 since \d\d:\d\d.*Nothing is dropped.*Disable, then Enable outbound SCIM with the new one/,
    );
    await expect(outbound.getByText('1 waiting')).toBeVisible();
    await expect(outbound.getByText('Enabled', { exact: true })).toBeVisible();
    await expect(outbound.getByText(/within seconds/)).toHaveCount(0);
  });
  await step(page, 'Test connection says the same', async () => {
    await outbound.getByRole('button', { name: 'Test connection' }).click();
    await expect(outbound.getByText('The connection test failed.')).toBeFocused();
    await expect(outbound.getByText(/answered 401 Unauthorized/)).toBeVisible();
  });
  await step(page, 'Disable, then Enable outbound SCIM: what waited arrives', async () => {
    downstream.become('works');
    await outboundOff(page);
    await outboundOn(page, downstream);
    await until('the downstream', async () => (await kept(downstream, person))?.active);
    await expect(outbound.getByText(/Delivering · 0 waiting · last/)).toBeVisible();
  });
  downstream.close();
});

test('a backfill is rehearsed, run, paused, resumed and cancelled; what it pushes has arrived', async ({
  page,
  tenant,
  installation,
}) => {
  const downstream = await front(installation.downstream);
  const outbound = region(page, 'Outbound SCIM');
  const press = (name: string) => outbound.getByRole('button', { name, exact: true }).click();
  const people = Array.from({ length: 24 }, (_, at) => `person-${at}@${tenant.slug}.test`);
  const arrived = async () => {
    const { Resources } = await call<{ Resources: Kept[] }>('GET', `${downstream.url}/Users`, downstream.token);
    return Resources.filter(one => people.includes(one.userName)).length;
  };
  const counted = (what: string) => outbound.locator('dt', { hasText: what }).locator('xpath=preceding-sibling::dd');
  await step(page, 'enabling pushes nobody who was there before', async () => {
    await tenant.open(page);
    const okta = new Okta(tenant.baseUrl, `Bearer ${await inboundOn(page)}`);
    for (let at = 0; at < people.length; at += 8) {
      const made = await Promise.all(people.slice(at, at + 8).map(name => okta.assign(name, 'Given', 'Family')));
      expect(made.map(({ status }) => status)).toEqual(Array(8).fill(201));
    }
    await outboundOn(page, downstream);
    await outbound.getByText('Backfill', { exact: true }).click();
  });
  await step(page, 'Start a dry run: the counts, and nobody is pushed', async () => {
    await press('Start a dry run');
    await expect(outbound.getByText(/^Dry run done · 24 of 24 users looked at/)).toBeVisible();
    await expect(counted('to create')).toHaveText('24');
    expect(await arrived()).toBe(0);
  });
  // It marks a few ahead of the downstream: while that lets writes wait, it stands where it stands.
  await step(page, 'Run backfill, then Pause: it goes no further, also when the downstream goes on', async () => {
    downstream.become('waits');
    await press('Run backfill');
    await expect(outbound.getByText(/^Backfill running · 16 of 24 users looked at/)).toBeVisible();
    await press('Pause');
    await expect(outbound.getByText(/^Backfill paused · 16 of 24/)).toBeVisible();
    downstream.become('works');
    await until('those looked at', async () => (await arrived()) === 16);
    await expect(outbound.getByText(/^Backfill paused · 16 of 24/)).toBeVisible();
  });
  await step(page, 'Resume: it does the rest', async () => {
    await press('Resume');
    await expect(outbound.getByText(/^Backfill done · 24 of 24/)).toBeVisible();
    await until('everybody', async () => (await arrived()) === people.length);
  });
  await step(page, 'Cancel ends one that runs', async () => {
    downstream.become('stands');
    await press('Start a dry run');
    await expect(outbound.getByText(/^Dry run running · 0 of 24/)).toBeVisible();
    await press('Cancel');
    await expect(outbound.getByText(/^Dry run cancelled · 0 of 24/)).toBeVisible();
    downstream.become('works');
  });
  await step(page, 'another one finds all of them in step', async () => {
    await press('Start a dry run');
    await expect(outbound.getByText(/^Dry run done · 24 of 24/)).toBeVisible();
    await expect(counted('in step')).toHaveText('24');
  });
  downstream.close();
});

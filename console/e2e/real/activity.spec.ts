import { execFileSync } from 'node:child_process';
import type { Request } from '@playwright/test';
import { expect, kept, region, step, test, until } from './fixtures';
import { Entra } from './idp';

test('live: an IdP’s request and the push it caused are one trace, found by the person’s name', async ({
  page,
  tenant,
  installation,
}) => {
  const activity = region(page, 'Recent activity');
  const outbound = region(page, 'Outbound SCIM');
  const inbound = region(page, 'Inbound SCIM');
  const person = `ada@${tenant.slug}.test`;
  let entra: Entra;
  let command = '';
  await step(page, 'both directions on', async () => {
    await tenant.open(page);
    await expect(activity.getByText('Nothing has happened yet')).toBeVisible();
    command = (await activity.locator('pre').textContent()) ?? '';
    await outbound.getByLabel('Downstream SCIM base URL').fill(installation.downstream.url);
    await outbound.getByLabel('Downstream bearer token').fill(installation.downstream.token);
    await outbound.getByRole('button', { name: 'Enable outbound SCIM' }).click();
    await expect(outbound.getByText('Enabled', { exact: true })).toBeVisible();
    await inbound.getByRole('button', { name: 'Enable inbound SCIM' }).click();
    await inbound.getByRole('button', { name: 'Show' }).click();
    const token = await inbound.getByLabel(/Token alone/).inputValue();
    entra = new Entra(tenant.baseUrl, token);
    command = command.replace('YOUR_TOKEN', token);
    await expect(activity.getByText('Live', { exact: true })).toBeVisible();
  });
  await step(page, 'the command of the empty list is the first to be listed', async () => {
    execFileSync('sh', ['-c', command.replace(/^curl/, 'curl --silent --fail')]);
    await expect(activity.getByRole('button', { name: /In POST \/Users 201.*ada@example\.com/ })).toBeVisible();
    await expect(activity.getByRole('button', { name: /Out POST \/Users 201.*ada@example\.com/ })).toBeVisible();
  });
  await step(page, 'a person arrives and goes on, without a reload', async () => {
    expect((await entra.provision(person, 'Ada', 'Lovelace')).status).toBe(201);
    await expect(activity.getByRole('button', { name: new RegExp(`Out POST /Users 201.*${person}`) })).toBeVisible();
  });
  await step(page, 'the row opens to the steps of the change', async () => {
    await activity.getByRole('button', { name: new RegExp(`Out POST /Users 201.*${person}`) }).click();
    const steps = activity.getByRole('listitem').filter({ hasText: 'All steps' }).getByRole('listitem');
    await expect(steps.filter({ hasText: /In POST \/Users 201/ })).toBeVisible();
    await expect(steps.filter({ hasText: /Realm create user ok/ })).toBeVisible();
    await expect(steps.filter({ hasText: /Out POST \/Users 201/ })).toBeVisible();
  });
  await step(page, 'Pause holds the log still; Resume shows what was missed', async () => {
    const ofStream = (request: Request) => request.url().endsWith('/activity/stream');
    const begun: Request[] = [];
    const note = (request: Request) => ofStream(request) && begun.push(request);
    page.on('request', note);
    const ended = page.waitForEvent('requestfailed', ofStream);
    await activity.getByRole('button', { name: 'Pause' }).click();
    await ended;
    await expect(activity.getByText('Paused', { exact: true })).toBeVisible();
    const found = await entra.provision(person, 'Ada', 'Lovelace');
    expect((await entra.disable(found.body.Resources[0].id)).status).toBe(200);
    const disabled = activity.getByRole('button', { name: /Out PATCH \/Users\/\{id\} 200 .*active/ });
    await until('the push', async () => (await kept(installation.downstream, person))?.active === false);
    // Nothing can come where nothing is listened to.
    expect(begun).toEqual([]);
    await expect(disabled).toHaveCount(0);
    page.off('request', note);
    await activity.getByRole('button', { name: 'Resume' }).click();
    await expect(disabled).toBeVisible();
  });
  await step(page, 'a person’s name finds all of theirs, an outcome those that failed', async () => {
    expect((await entra.provision(`grace@${tenant.slug}.test`, 'Grace', 'Hopper')).status).toBe(201);
    await expect(activity.getByRole('button', { name: /Out POST \/Users 201.*grace/ })).toBeVisible();
    await activity.getByLabel('User', { exact: true }).fill(person);
    await expect(activity.getByRole('button', { name: /grace/ })).toHaveCount(0);
    await expect(activity.getByRole('button', { name: new RegExp(person) }).first()).toBeVisible();
    await activity.getByLabel('User', { exact: true }).fill('');
    expect((await new Entra(tenant.baseUrl, 'kvs_nonsense').testConnection()).status).toBe(401);
    await activity.getByLabel('Outcome').selectOption({ label: 'Token refused' });
    await expect(activity.locator('.kv-entry')).toHaveCount(1);
    await expect(activity.locator('.kv-entry')).toContainText('Not a token of ours');
  });
});

import { execFileSync } from 'node:child_process';
import type { Locator, Page } from '@playwright/test';
import { expect, region, step, test } from './fixtures';
import { type Account, Connector, Entra, Okta } from './idp';
import type { Tenant } from './installation';

// The guides of the identity providers, done as the panel shows them: each item of a list is a step here, named by its first
// sentence and in the guide's order, which test/words.test.tsx holds to. What an item names in code is taken from the panel.

const guide = (page: Page) => page.getByRole('tabpanel');

/** A step that begins with the panel's item of that name. */
const item = (page: Page, name: string, body: (said: Locator) => Promise<void> = async () => {}) =>
  step(page, name, async () => {
    const said = guide(page).getByRole('listitem').filter({ hasText: name });
    await expect(said).toHaveCount(1);
    await body(said);
  });

const code = async (said: Locator) => (await said.locator('code').first().textContent()) ?? '';

/** Inbound on, its token on show, the guide of a provider open; gives what the button of that name copies. */
async function begin(page: Page, tenant: Tenant, tab: string, copy: string) {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await tenant.open(page);
  const inbound = region(page, 'Inbound SCIM');
  await inbound.getByRole('button', { name: 'Enable inbound SCIM' }).click();
  await inbound.getByRole('button', { name: copy }).click();
  await expect(inbound.getByRole('button', { name: 'Copied' })).toBeVisible();
  await inbound.getByText('Set up your IdP').click();
  await inbound.getByRole('tab', { name: tab }).click();
  return page.evaluate(() => navigator.clipboard.readText());
}

/** That the panel shows what was copied, its middle masked. */
async function shows(said: Locator, copied: string) {
  const [head = '', tail = ''] = (await code(said)).split(/…+/);
  expect(head.length).toBeGreaterThan(5);
  expect(copied.startsWith(head) && copied.endsWith(tail)).toBe(true);
}

test('guide: okta', async ({ page, tenant }) => {
  const copied = await begin(page, tenant, 'Okta', 'Copy for Okta');
  const person = 'ada@okta.test';
  let url = '';
  let okta: Okta;
  let id = '';
  await item(page, 'In Okta, open Applications, Browse App Catalog, and add SCIM 2.0 Test App (Header Auth)');
  await item(page, 'Under Provisioning, choose Configure API Integration and tick Enable API integration');
  await item(page, 'Base URL is the SCIM base URL', async said => {
    url = await code(said);
    expect(url).toBe(tenant.baseUrl);
  });
  await item(page, 'API Token is the word Bearer, one space, the token', async said => {
    await shows(said, copied);
    expect(copied).toMatch(/^Bearer kvs_\w+$/);
    okta = new Okta(url, copied);
  });
  await item(page, 'Press Test API Credentials, then Save', async () => {
    expect((await okta.testCredentials()).status).toBe(200);
  });
  await item(
    page,
    'Under Provisioning, To App, choose Edit and tick Create Users, Update User Attributes and Deactivate Users',
  );
  await item(page, 'Under Assignments, assign a person or a group', async () => {
    const made = await okta.assign(person, 'Ada', 'Lovelace');
    expect(made.status).toBe(201);
    id = made.body.id;
    expect(await tenant.person(person)).toMatchObject({ firstName: 'Ada', lastName: 'Lovelace', enabled: true });
  });
  await item(page, 'SCIM connector base URL', async said => expect(await code(said)).toBe(url));
  await item(page, 'Unique identifier field for users', async said => {
    const field = await code(said);
    const found = await okta.call('GET', `/Users?filter=${encodeURIComponent(`${field} eq "${person}"`)}`);
    expect(found.body.totalResults).toBe(1);
  });
  await item(page, 'Supported provisioning actions', async said => {
    // New users were pushed above.
    await expect(said).toContainText('Push New Users, Push Profile Updates and Push User Deactivation');
    expect((await okta.updateProfile(id, 'King')).status).toBe(200);
    expect((await okta.activate(id, false)).status).toBe(200);
    expect(await tenant.person(person)).toMatchObject({ lastName: 'King', enabled: false });
  });
  await item(page, 'Authentication Mode', said => shows(said, copied));
  await item(page, 'Test Connector Configuration', async () => {
    expect((await okta.testCredentials()).status).toBe(200);
    expect((await okta.activate(id, true)).status).toBe(200);
  });
});

test('guide: entra-id', async ({ page, tenant }) => {
  const copied = await begin(page, tenant, 'Entra ID', 'Copy token');
  const person = 'grace@entra.test';
  let url = '';
  let entra: Entra;
  await item(
    page,
    'In the Entra admin centre, open Enterprise applications, New application, Create your own application',
  );
  await item(page, 'Under Provisioning, set the mode to Automatic');
  await item(page, 'Tenant URL is the SCIM base URL', async said => {
    url = await code(said);
    expect(url).toBe(tenant.baseUrl);
  });
  await item(page, 'Secret Token is the token alone', async said => {
    await shows(said, copied);
    expect(copied).toMatch(/^kvs_\w+$/);
    entra = new Entra(url, copied);
  });
  await item(page, 'Press Test Connection, wait for its success banner, then save', async () => {
    expect((await entra.testConnection()).status).toBe(200);
  });
  await item(page, 'Under Settings, set Scope to Sync only assigned users and groups');
  await item(page, 'Under Users and groups, assign somebody, then Start provisioning', async () => {
    const made = await entra.provision(person, 'Grace', 'Hopper');
    expect(made.status).toBe(201);
    expect(await tenant.person(person)).toMatchObject({ firstName: 'Grace', lastName: 'Hopper', enabled: true });
    // The next cycle finds them; taken out of the assignment, they are disabled.
    expect((await entra.provision(person, 'Grace', 'Hopper')).body.totalResults).toBe(1);
    expect((await entra.disable(made.body.id)).status).toBe(200);
    expect(await tenant.person(person)).toMatchObject({ enabled: false });
  });
});

test('guide: google-workspace', async ({ page, tenant }) => {
  const copied = await begin(page, tenant, 'Google Workspace', 'Copy for Okta');
  const account = (primaryEmail: string, givenName: string, familyName: string): Account => ({
    primaryEmail,
    name: { givenName, familyName },
    suspended: false,
  });
  const ada = account('ada@google.test', 'Ada', 'Lovelace');
  const alan = account('alan@google.test', 'Alan', 'Turing');
  const map: ((one: Account) => object)[] = [];
  let url = '';
  let connector: Connector;
  await item(page, 'In the connector, choose Google Workspace as the source and SCIM 2.0 as the target');
  await item(page, "The target's address is the SCIM base URL", async said => {
    url = await code(said);
    expect(url).toBe(tenant.baseUrl);
  });
  await item(page, 'Its Authorization header is the word Bearer, one space, the token', async said => {
    await shows(said, copied);
    connector = new Connector(url, copied);
  });
  await item(
    page,
    'Map the primary e-mail address to userName and to emails, the names to name.givenName and name.familyName',
    async () => {
      map.push(({ primaryEmail, name }) => ({
        userName: primaryEmail,
        emails: [{ value: primaryEmail, primary: true }],
        name,
      }));
    },
  );
  await item(page, 'Map a suspended account to active = false', async () => {
    map.push(({ suspended }) => ({ active: !suspended }));
  });
  await item(page, 'Run it for one person first, then for everybody', async () => {
    expect(await connector.run([ada], map)).toEqual([201]);
    expect(await connector.run([{ ...ada, suspended: true }, alan], map)).toEqual([200, 201]);
    const person = { email: ada.primaryEmail, firstName: 'Ada', lastName: 'Lovelace', enabled: false };
    expect(await tenant.person(ada.primaryEmail)).toMatchObject(person);
    expect(await tenant.person(alan.primaryEmail)).toMatchObject({ lastName: 'Turing', enabled: true });
  });
});

test('guide: curl', async ({ page, tenant }) => {
  await begin(page, tenant, 'curl', 'Copy token');
  const commands = guide(page).getByRole('button', { name: 'Copy command' });
  await expect(commands).toHaveCount(2);
  const answers: string[] = [];
  for (const command of await commands.all()) {
    await step(page, 'copied and run as it is', async () => {
      await command.click();
      await expect(guide(page).getByRole('button', { name: 'Copied' })).toBeVisible();
      const text = await page.evaluate(() => navigator.clipboard.readText());
      expect(text).toMatch(/^curl .*kvs_/);
      answers.push(
        execFileSync('sh', ['-c', text.replace(/^curl/, 'curl --silent --show-error')], { encoding: 'utf8' }),
      );
      await page.getByRole('tab', { name: 'curl' }).focus();
    });
    if (answers.length > 1) break;
    const accepted = region(page, 'Inbound SCIM').locator('dt', { hasText: 'Last accepted request' }).locator('+ dd');
    await expect(accepted).toContainText('GET /ServiceProviderConfig');
  }
  expect(answers[0]).toMatch(/^HTTP\/1\.1 200/);
  expect(JSON.parse(answers[1] ?? '')).toMatchObject({ userName: 'ada@example.com', active: true });
  expect(await tenant.person('ada@example.com')).toMatchObject({ firstName: 'Ada', enabled: true });
  const activity = region(page, 'Recent activity');
  await expect(activity.getByRole('button', { name: /In POST \/Users 201/ })).toBeVisible();
});

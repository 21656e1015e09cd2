import { expect, open, region, test } from './support';

// What assistive technology is told in the four states that matter most.

test('aria: disabled', async ({ page }) => {
  await open(page, '/console/tenants/acme');
  await expect(region(page, 'Inbound SCIM')).toMatchAriaSnapshot(`
    - region "Inbound SCIM":
      - heading "Inbound SCIM" [level=3]
      - text: Disabled
      - paragraph: /Your identity provider pushes users/
      - button "Enable inbound SCIM"
  `);
});

test('aria: the token is revealed', async ({ page }) => {
  await open(page, '/console/tenants/acme');
  await page.getByRole('button', { name: 'Enable inbound SCIM' }).click();
  await expect(region(page, 'Inbound SCIM').getByRole('group', { name: 'Your bearer token' })).toMatchAriaSnapshot(`
    - group "Your bearer token":
      - heading "Your bearer token" [level=4]
      - paragraph: Copy it now and store it in your IdP and in a password manager. It will not be shown again.
      - textbox "Token alone, for Entra ID"
      - button "Show"
      - button "Copy token"
      - textbox "With the word Bearer, for Okta and Google connectors"
      - button "Copy for Okta"
  `);
  const live = page.locator('[aria-live], [role=alert], [role=status], output');
  for (const text of await live.allTextContents()) expect(text).not.toContain('kvs_');
});

test('aria: the probe failed', async ({ page }) => {
  await open(page, '/console/tenants/acme');
  const outbound = region(page, 'Outbound SCIM');
  await outbound.getByLabel('Downstream SCIM base URL').fill('https://missing.example.com/scim/v2');
  await outbound.getByRole('button', { name: 'Enable outbound SCIM' }).click();
  await expect(outbound.getByRole('alert')).toMatchAriaSnapshot(`
    - alert:
      - paragraph: Outbound SCIM was not enabled.
      - paragraph: The downstream answered 404 Not Found. Check the base URL.
      - paragraph:
        - code: /GET https/
      - paragraph: /Re-test from outside Kevra/
      - code: /curl -i/
      - button "Copy command": Copy
      - paragraph: Nothing was saved.
  `);
});

test('aria: outbound enabled, a user parked', async ({ page }) => {
  await open(page, '/console/tenants/globex');
  await expect(region(page, 'Outbound SCIM')).toMatchAriaSnapshot(`
    - region "Outbound SCIM":
      - heading "Outbound SCIM" [level=3]
      - text: Enabled
      - paragraph: /Delivering · 0 waiting · last/
      - textbox "Downstream endpoint": https://downstream.example.com/scim/v2
      - button "Copy Downstream endpoint"
      - button "Test connection"
      - button "Send a test user"
      - button "Disable"
      - group:
        - list:
          - listitem:
            - paragraph: /conflict \\(409\\)/
            - button "Link"
            - button "Retry"
            - button "Ignore"
  `);
});

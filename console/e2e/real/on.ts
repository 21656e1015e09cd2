import { expect, type Page } from '@playwright/test';
import { region } from '../checks';
import type { Downstream } from './installation';

/** Enables inbound, and gives the token, which stays on show. */
export async function inboundOn(page: Page): Promise<string> {
  const inbound = region(page, 'Inbound SCIM');
  await inbound.getByRole('button', { name: 'Enable inbound SCIM' }).click();
  await inbound.getByRole('button', { name: 'Show' }).click();
  return inbound.getByLabel(/Token alone/).inputValue();
}

export async function outboundOn(page: Page, { url, token }: Downstream) {
  const outbound = region(page, 'Outbound SCIM');
  await outbound.getByLabel('Downstream SCIM base URL').fill(url);
  await outbound.getByLabel('Downstream bearer token').fill(token);
  await outbound.getByRole('button', { name: 'Enable outbound SCIM' }).click();
  await expect(outbound.getByText('Enabled', { exact: true })).toBeVisible();
}

export async function outboundOff(page: Page) {
  const outbound = region(page, 'Outbound SCIM');
  await outbound.getByRole('button', { name: 'Disable' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
  await expect(outbound.getByText('Disabled', { exact: true })).toBeVisible();
}

import { embedded } from './embedded';
import { errorsOf, expect, region, step, test } from './fixtures';

test('demo --play: the page moves by itself', async ({ page }) => {
  const demo = await embedded('--play');
  const errors = errorsOf(page);
  const activity = region(page, 'Recent activity');
  const rows = activity.getByRole('list', { name: 'Recent activity' }).getByRole('button', { expanded: false });
  try {
    await step(page, 'both directions are on, and Okta’s sequence went through them', async () => {
      await (await demo.known('acme')).open(page);
      for (const name of ['Inbound SCIM', 'Outbound SCIM']) {
        await expect(region(page, name).getByText('Enabled', { exact: true })).toBeVisible();
      }
      await expect(activity.getByText('Live', { exact: true })).toBeVisible();
      await expect(activity.getByRole('button', { name: /Out POST \/Users 201/ }).first()).toBeVisible();
    });
    // Nobody presses anything from here on: what appears has come by the stream.
    await step(page, 'a change arrives and is pushed on, again and again', async () => {
      const asked: string[] = [];
      page.on('request', request => asked.push(new URL(request.url()).pathname));
      for (let round = 0; round < 2; round++) {
        const before = await rows.first().textContent();
        await expect(rows.first()).not.toHaveText(before ?? '');
      }
      await expect(activity.getByRole('button', { name: /In PATCH \/Users\/\{id\} 200/ }).first()).toBeVisible();
      await expect(activity.getByRole('button', { name: /Out PATCH \/Users\/\{id\} 200/ }).first()).toBeVisible();
      expect(asked.filter(path => path.endsWith('/activity'))).toEqual([]);
    });
  } finally {
    await page.close();
    await demo.stop();
  }
  expect(errors).toEqual([]);
});

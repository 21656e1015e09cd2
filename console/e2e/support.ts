import { expect, type Page, test as plain } from '@playwright/test';
import { errorsOf } from './checks';

export * from './checks';

let codes = 0;

/** Every test starts with a fresh world and fails on any console error. */
export const test = plain.extend<{ errors: string[] }>({
  errors: [
    async ({ page, request }, use) => {
      await request.post('/mock/reset');
      const errors = errorsOf(page);
      await use(errors);
      expect(errors).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** Signs in by a fresh one-time code at a path. */
export async function open(page: Page, path: string, kind = 'CODE') {
  codes++;
  await page.goto(`${path}#code=${kind}-${process.pid}-${codes}`);
}

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, type Page, test as plain } from '@playwright/test';
import { errorsOf } from './checks';

export * from './checks';

let codes = 0;

/** Every test starts with a fresh world and fails on any console error. */
export const test = plain.extend<{ errors: string[] }, { served: string }>({
  served: [
    // biome-ignore lint/correctness/noEmptyPattern: it needs nothing, and Playwright wants to see that
    async ({}, use) => {
      const server = spawn(process.execPath, [join(import.meta.dirname, 'mock-server.mjs'), '0'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      // The first line it prints is where it is.
      const line = await new Promise<string>((resolve, reject) => {
        server.stdout.once('data', data => resolve(String(data)));
        server.once('exit', status => reject(new Error(`the mock server ended with ${status}`)));
      });
      await use(new URL(line.trim()).origin);
      server.kill();
    },
    { scope: 'worker' },
  ],
  baseURL: ({ served }, use) => use(served),
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

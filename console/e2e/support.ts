import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, type Locator, type Page, test as plain } from '@playwright/test';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let codes = 0;

/** Every test starts with a fresh world and fails on any console error, which a breach of the CSP is, too. */
export const test = plain.extend<{ errors: string[] }>({
  errors: [
    async ({ page, request }, use) => {
      await request.post('/mock/reset');
      const errors: string[] = [];
      page.on('pageerror', error => errors.push(error.message));
      page.on('console', message => {
        // A refusal of the API is an answer the page deals with; the browser notes it all the same.
        const refused = /Failed to load resource: .* (401|409|412|422)/.test(message.text());
        if (message.type() === 'error' && !refused) errors.push(message.text());
      });
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

export async function axe(page: Page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    // biome-ignore lint/suspicious/noExplicitAny: axe comes as a script
    const { violations } = await (window as any).axe.run(document, { resultTypes: ['violations'] });
    return violations.map((one: { id: string; nodes: { html: string }[] }) => `${one.id}: ${one.nodes[0]?.html}`);
  });
  expect(found).toEqual([]);
}

/** A step of a guide, checked by axe when it is done. */
export async function step(page: Page, name: string, body: () => Promise<void>) {
  await test.step(name, async () => {
    await body();
    await axe(page);
  });
}

export const region = (page: Page, name: string): Locator => page.getByRole('region', { name });

/** Whatever the page holds: its text, attributes, fields, stores and address. */
export const everything = (page: Page) =>
  page.evaluate(() => {
    const roots: (Document | ShadowRoot)[] = [document];
    const seen: string[] = [location.href, document.cookie, JSON.stringify({ ...localStorage, ...sessionStorage })];
    for (let at = 0; at < roots.length; at++) {
      const root = roots[at];
      if (!root) continue;
      seen.push(root instanceof Document ? root.documentElement.outerHTML : root.innerHTML);
      for (const element of root.querySelectorAll('*')) {
        if (element.shadowRoot) roots.push(element.shadowRoot);
        if ('value' in element) seen.push(String(element.value));
      }
    }
    return seen.join('\n');
  });

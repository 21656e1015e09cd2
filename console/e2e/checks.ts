import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, type Locator, type Page, test } from '@playwright/test';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What the page asks for as it runs; its files are not among them. */
const OF_API = /\/(v1\/|console\/session$)/;

/** Errors of a page as they come: of its scripts, and in its console, where a breach of the CSP is told, too. */
export function errorsOf(page: Page): string[] {
  const errors: string[] = [];
  page.on('pageerror', error => errors.push(error.message));
  page.on('console', message => {
    // A refusal of the API, or a lost answer, is what the page deals with; the browser notes it all the same.
    const refused =
      /Failed to load resource: .* (401|404|409|412|422|502)/.test(message.text()) &&
      OF_API.test(message.location().url);
    if (message.type() === 'error' && !refused) errors.push(message.text());
  });
  return errors;
}

export async function axe(page: Page) {
  // Half a megabyte: once for each document.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
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

export const region = (page: Page, name: string): Locator => page.getByRole('region', { name, exact: true });

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

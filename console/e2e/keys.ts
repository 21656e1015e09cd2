import type { Page } from '@playwright/test';

/** Presses Tab until something of this name has the focus: what cannot be reached so cannot be reached by keyboard. */
export async function tabTo(page: Page, name: string | RegExp, key = 'Tab') {
  for (let at = 0; at < 60; at++) {
    await page.keyboard.press(key);
    const found = await page.evaluate(() => {
      // The element's own focus is inside of its shadow.
      let element = document.activeElement;
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      const labels = (element as HTMLInputElement | null)?.labels;
      return element?.getAttribute('aria-label') ?? labels?.[0]?.textContent ?? element?.textContent;
    });
    if (typeof name === 'string' ? found?.trim() === name : name.test(found ?? '')) return;
  }
  throw new Error(`no way to ${name} by keyboard`);
}

import { expect, type Page } from '@playwright/test';

/** That everything is in the window and nothing is cut off, also in shadow trees; and that what is pressed is at least 24 px. */
export async function whole(page: Page) {
  const found = await page.evaluate(() => {
    const roots: (Document | ShadowRoot)[] = [document];
    const bad: string[] = [];
    const all: HTMLElement[] = [];
    for (let at = 0; at < roots.length; at++) {
      for (const one of roots[at]?.querySelectorAll<HTMLElement>('*') ?? []) {
        all.push(one);
        if (one.shadowRoot) roots.push(one.shadowRoot);
      }
    }
    for (const one of all) {
      const { left, right, width, height } = one.getBoundingClientRect();
      // What only a screen reader has, or is not there.
      if (!width || !height || one.closest('.kv-sr, .kv-skip')) continue;
      const name = one.outerHTML.slice(0, 120);
      if (left < -1 || right > innerWidth + 1) bad.push(`outside: ${name}`);
      const hides = getComputedStyle(one).overflowX !== 'visible' && !one.matches('input, select');
      if (hides && one.scrollWidth > one.clientWidth + 1) bad.push(`cut off: ${name}`);
      // A box is pressed by its label, too. Links within a sentence may be as high as it is.
      const pressed = 'button, summary, select, textarea, label:has(input), input:not([type=checkbox]), a.kv-button';
      if (one.matches(pressed) && (width < 24 || height < 24)) bad.push(`small: ${name}`);
    }
    if (document.documentElement.scrollWidth > innerWidth) bad.push('scrolls sideways');
    return bad;
  });
  expect(found).toEqual([]);
}

/** The same at 320 px; the window is as wide as before afterwards. */
export async function narrow(page: Page) {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  await whole(page);
  if (before) await page.setViewportSize(before);
}

import type { Locator, Page } from '@playwright/test';

/** What moves by itself or is about to, also in shadow trees. */
export const moving = (page: Page) =>
  page.evaluate(() => {
    const found: string[] = [];
    const look = (root: Document | ShadowRoot) => {
      for (const one of root.querySelectorAll('*')) {
        for (const part of ['', '::before', '::after']) {
          const { animationName, animationDuration, transitionDuration } = getComputedStyle(one, part);
          const animated = animationName !== 'none' && animationDuration !== '0s';
          if (animated || /[1-9]/.test(transitionDuration)) found.push(`${animationName} ${one.className}${part}`);
        }
        if (one.shadowRoot) look(one.shadowRoot);
      }
    };
    look(document);
    return found;
  });

/** What is left of something where the user's colours replace ours. */
export const drawn = (what: Locator, part = '') =>
  what.evaluate((one, part) => {
    const style = getComputedStyle(one, part);
    const behind = getComputedStyle(one).backgroundColor;
    const line = (kind: string, width: string, color: string) =>
      kind === 'solid' && Number.parseFloat(width) >= 1 && color !== behind && !/^rgba.*, 0\)$/.test(color);
    return {
      border: line(style.borderBottomStyle, style.borderBottomWidth, style.borderBottomColor),
      borderColor: style.borderBottomColor,
      outline: line(style.outlineStyle, style.outlineWidth, style.outlineColor),
      color: style.color,
    };
  }, part);

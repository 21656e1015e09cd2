import type { Page } from '@playwright/test';

interface Shift extends PerformanceEntry {
  value: number;
  sources: { node?: Node }[];
}

/** Notes, from the first paint on, what was in sight and moved, and how much of the window that was. */
export const watchShifts = (page: Page) =>
  page.addInitScript(() => {
    const shifts = { value: 0, moved: [] as string[] };
    Object.assign(window, { shifts });
    new PerformanceObserver(list => {
      for (const { value, sources } of list.getEntries() as Shift[]) {
        shifts.value += value;
        shifts.moved.push(...sources.map(({ node }) => node?.textContent?.slice(0, 60) ?? ''));
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });

/** The observer is told with the frame after the next. */
export const shifts = (page: Page) =>
  page.evaluate(async () => {
    for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
    return (window as unknown as { shifts: { value: number; moved: string[] } }).shifts;
  });

import type { Page } from '@playwright/test';

/** Notes whatever the page tells others from now on: events with a detail, and messages. */
export const listen = (page: Page) =>
  page.addInitScript(() => {
    const told: string[] = [];
    Object.assign(window, { told });
    const note = (name: string, what: unknown) => told.push(`${name} ${JSON.stringify(what)}`);
    const { dispatchEvent } = EventTarget.prototype;
    EventTarget.prototype.dispatchEvent = function (event) {
      note(event.type, event instanceof CustomEvent ? event.detail : undefined);
      return dispatchEvent.call(this, event);
    };
    for (const one of [window, MessagePort.prototype, BroadcastChannel.prototype, Worker.prototype]) {
      const { postMessage } = one as Window;
      one.postMessage = function (this: Window, ...given: unknown[]) {
        note('message', given[0]);
        return postMessage.apply(this, given as [unknown]);
      };
    }
  });

export const told = (page: Page) => page.evaluate(() => (window as unknown as { told: string[] }).told.join('\n'));

import { expect, test as plain } from '@playwright/test';
import { errorsOf } from '../checks';
import { embedded } from './embedded';
import type { Installation, Tenant } from './installation';
import { servers } from './servers';

export * from '../checks';
export { kept } from './installation';
export { until } from './program';
export { expect };

export type Kind = 'embedded' | 'servers';

interface Worker {
  kind: Kind;
  installation: Installation;
}

interface Test {
  tenant: Tenant;
  /** Of every page of the test's own context. */
  errors: undefined;
}

let made = 0;

/** Against the real program: one installation for all tests, a tenant for each, and no error in any page's console. */
export const test = plain.extend<Test, Worker>({
  kind: ['embedded', { scope: 'worker', option: true }],
  installation: [
    async ({ kind }, use) => {
      const installation = await (kind === 'embedded' ? embedded() : servers());
      await use(installation);
      await installation.stop();
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  tenant: async ({ installation }, use) => {
    made++;
    await use(await installation.tenant(`console-${process.pid}-${made}`));
  },
  errors: [
    async ({ context }, use) => {
      const errors: string[][] = [];
      context.on('page', page => errors.push(errorsOf(page)));
      await use(undefined);
      expect(errors.flat()).toEqual([]);
    },
    { auto: true },
  ],
});

import { defineConfig } from '@playwright/test';
import { launchOptions } from './e2e/chromium';
import type { Kind } from './e2e/real/fixtures';

/** The page is signed in to by the demo only; the element is in another console's page only. */
const NOT_OF: Record<Kind, string[]> = {
  embedded: ['element.spec.ts'],
  servers: ['page.spec.ts', 'play.spec.ts'],
};
const project = (kind: Kind) => ({
  name: kind,
  testIgnore: NOT_OF[kind].map(name => `**/${name}`),
  use: { kind, launchOptions, screenshot: 'only-on-failure' as const },
});

/** The console on the built program: embedded and, where scripts/test has started them, on the real servers. */
export default defineConfig<object, { kind: Kind }>({
  testDir: 'e2e/real',
  outputDir: 'test-results/real',
  // Each has an installation of its own, each test a tenant. Most of a test is waiting for the product; a fourth would
  // cost as much to start as it saves.
  workers: 3,
  fullyParallel: true,
  // Keycloak sets a realm up in seconds, and machines are busy.
  timeout: 240_000,
  expect: { timeout: 20_000 },
  reporter: [['list'], ['json', { outputFile: '.reports/real.json' }]],
  projects: [project('embedded'), ...(process.env.KEVRA_TEST_DATABASE_URL ? [project('servers')] : [])],
});

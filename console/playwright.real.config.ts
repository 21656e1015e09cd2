import { defineConfig } from '@playwright/test';
import { launchOptions } from './e2e/chromium';
import type { Kind } from './e2e/real/fixtures';

const project = (kind: Kind) => ({ name: kind, use: { kind, launchOptions } });

/** The console on the built program: embedded and, where scripts/test has started them, on the real servers. */
export default defineConfig<object, { kind: Kind }>({
  testDir: 'e2e/real',
  outputDir: 'test-results/real',
  workers: 1,
  reporter: [['list'], ['json', { outputFile: '.reports/real.json' }]],
  projects: [project('embedded'), ...(process.env.KEVRA_TEST_DATABASE_URL ? [project('servers')] : [])],
});

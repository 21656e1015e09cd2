import { defineConfig } from '@playwright/test';
import { launchOptions } from './e2e/chromium';

export default defineConfig({
  testDir: 'e2e',
  testIgnore: 'real/**',
  outputDir: 'test-results',
  // Each has a world of its own. One more than cores: while one waits, another works.
  workers: 3,
  fullyParallel: true,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [['list'], ['json', { outputFile: '.reports/e2e.json' }]],
  use: { launchOptions, screenshot: 'only-on-failure' },
});

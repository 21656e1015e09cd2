import { defineConfig } from '@playwright/test';
import { launchOptions } from './e2e/chromium';

const PORT = 4179;

export default defineConfig({
  testDir: 'e2e',
  testIgnore: 'real/**',
  outputDir: 'test-results',
  workers: 1,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [['list'], ['json', { outputFile: '.reports/e2e.json' }]],
  use: { baseURL: `http://127.0.0.1:${PORT}`, launchOptions, screenshot: 'only-on-failure' },
  webServer: {
    command: `node e2e/mock-server.mjs ${PORT}`,
    url: `http://127.0.0.1:${PORT}/console/config.json`,
    reuseExistingServer: false,
  },
});

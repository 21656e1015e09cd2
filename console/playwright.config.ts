import { execSync } from 'node:child_process';
import { defineConfig } from '@playwright/test';

const PORT = 4179;
const executablePath = execSync('command -v chromium || command -v google-chrome', { encoding: 'utf8' }).trim();

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  workers: 1,
  reporter: [['list'], ['json', { outputFile: '.reports/e2e.json' }]],
  use: {
    baseURL: `http://127.0.0.1:${PORT}`,
    launchOptions: {
      executablePath,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  webServer: {
    command: `node e2e/mock-server.mjs ${PORT}`,
    url: `http://127.0.0.1:${PORT}/console/config.json`,
    reuseExistingServer: false,
  },
});

import { execSync } from 'node:child_process';

/** The system's Chromium, without what it does besides showing pages. */
export const launchOptions = {
  executablePath: execSync('command -v chromium || command -v google-chrome', { encoding: 'utf8' }).trim(),
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [react()],
  server: { fs: { allow: ['..'] } },
  test: {
    environment: 'happy-dom',
    environmentOptions: { happyDOM: { url: 'https://console.test/console/' } },
    include: ['test/**/*.test.{ts,tsx}'],
    setupFiles: ['test/setup.ts'],
    restoreMocks: true,
    testTimeout: 20_000,
    // One for each core: left to itself it keeps one free, which on two is half of them.
    maxWorkers: '100%',
  },
});

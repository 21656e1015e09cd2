import '@testing-library/jest-dom/vitest';
import { cleanup, configure } from '@testing-library/react';
import { http } from 'msw';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { World } from '../e2e/world.mjs';

// The machine that runs the tests may be busy with other things.
configure({ asyncUtilTimeout: 4000 });

export let world = new World();
export const server = setupServer(http.all('*', ({ request }) => world.handle(request)));

beforeAll(() => server.listen({ onUnhandledRequest: 'error' }));
beforeEach(() => {
  world = new World();
});
afterEach(() => {
  cleanup();
  server.resetHandlers();
});
afterAll(() => server.close());

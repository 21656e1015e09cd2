import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { HttpResponse, http } from 'msw';
import { operator } from '../e2e/world.mjs';
import type { components } from '../src/api';
import { IdentitySync } from '../src/IdentitySync';
import type { IdentitySyncProps } from '../src/props';
import { label } from '../src/strings';
import { server, world } from './setup';

export type Schemas = components['schemas'];

/** The section for one tenant, loaded. */
export async function section(tenant: string, props: Partial<IdentitySyncProps> = {}) {
  const user = userEvent.setup();
  const view = render(<IdentitySync tenant={tenant} getToken={async () => operator()} {...props} />);
  await screen.findByRole('region', { name: label.inbound });
  return { user, ...view };
}

export const panel = (name: 'inbound' | 'outbound' | 'activity') =>
  within(screen.getByRole('region', { name: label[name] }));

export const button = (name: string) => screen.getByRole('button', { name });

/** Answers one call differently, once. */
export function once(
  method: 'get' | 'post' | 'put' | 'patch',
  path: string,
  answer: (request: Request) => Response | Promise<Response>,
) {
  server.use(
    http[method](`*/v1/tenants/:tenant/${path}`, ({ request }) => answer(request) as Response, { once: true }),
  );
}

/** The server does it, and the answer is lost. */
export function lost(path: string) {
  once('post', path, async request => {
    await world.handle(request.clone());
    return HttpResponse.error();
  });
}

export function refuse(code: string, status: number, more: Partial<Schemas['Problem']> = {}): Response {
  const body: Schemas['Problem'] = { type: 'about:blank', title: code, status, code, detail: code, ...more };
  return HttpResponse.json(body, { status, headers: { 'content-type': 'application/problem+json' } });
}

/** Enables inbound and gives the token that was revealed. */
export async function reveal(user: ReturnType<typeof userEvent.setup>): Promise<string> {
  await user.click(button(label.enableInbound));
  await screen.findByRole('group', { name: /bearer token/i });
  await user.click(button(label.show));
  const field = screen.getByLabelText<HTMLTextAreaElement>(/token alone/i);
  const token = field.value;
  await user.click(button(label.hide));
  return token;
}

import type { Page } from '@playwright/test';

/** A downstream and the token it expects. */
export interface Downstream {
  url: string;
  token: string;
}

/** A person as the realm's administrator sees them. */
export interface Person {
  email?: string;
  firstName?: string;
  lastName?: string;
  enabled: boolean;
  /** Realm roles, where the realm has any. */
  roles?: string[];
}

/** On which page of the console, or of the other console; there also with tokens of which right and life. */
export interface Visit {
  at?: string;
  scope?: string;
  life?: string;
}

/** A tenant of a test's own. */
export interface Tenant {
  slug: string;
  baseUrl: string;
  /** Brings its panels onto a page, signed in; `who` is told apart where the installation can. */
  open(page: Page, who?: string, visit?: Visit): Promise<void>;
  person(userName: string): Promise<Person | undefined>;
  /** An administrator of the realm saves somebody. */
  rename(userName: string, lastName: string): Promise<void>;
}

/** The product, running. */
export interface Installation {
  downstream: Downstream;
  /** What the console is served by. */
  controlUrl: string;
  tenant(name: string): Promise<Tenant>;
  stop(): Promise<void>;
}

/** A call that must succeed, as JSON. */
export async function call<T>(method: string, url: string, token: string, body?: unknown): Promise<T> {
  const answer = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
  return (text ? JSON.parse(text) : undefined) as T;
}

/** A record the downstream holds. */
export interface Kept {
  id: string;
  userName: string;
  externalId?: string;
  active: boolean;
  name?: { familyName?: string };
}

/** What the downstream holds of somebody. */
export async function kept({ url, token }: Downstream, userName: string): Promise<Kept | undefined> {
  const { Resources } = await call<{ Resources: Kept[] }>('GET', `${url}/Users`, token);
  return Resources.find(one => one.userName === userName);
}

/** Writes a record of somebody else's into the downstream. */
export const record = ({ url, token }: Downstream, method: 'POST' | 'PUT', path: string, body: object) =>
  fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' },
    body: JSON.stringify(body),
  });

import { connect, type Schemas } from '../client';

/** What the pages around the section ask for. */
export function createApi(...given: Parameters<typeof connect>) {
  const { settle, GET, POST, PATCH } = connect(...given);
  const people = (tenant: string) => {
    const params = { path: { tenant } };
    return {
      list: () => settle(GET('/v1/tenants/{tenant}/realm-users', { params })),
      create: (body: Schemas['SavePerson']) => settle(POST('/v1/tenants/{tenant}/realm-users', { params, body })),
      change: (user: string, body: Schemas['SavePerson']) =>
        settle(PATCH('/v1/tenants/{tenant}/realm-users/{user}', { params: { path: { tenant, user } }, body })),
    };
  };
  return {
    people,
    tenants: (query: { search?: string; offset: number; limit: number }) =>
      settle(GET('/v1/tenants', { params: { query } })),
  };
}

export type Api = ReturnType<typeof createApi>;

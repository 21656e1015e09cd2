import type { components } from './api';
import { methods } from './request';
import { type Session, SessionEnded } from './session';
import { problem } from './strings';

export type Schemas = components['schemas'];
export type IdentitySync = Schemas['IdentitySync'];
/** The options of each direction. */
export interface Options {
  inbound: Schemas['InboundOptions'];
  outbound: Schemas['OutboundOptions'];
}

/** What a person decides about what is held. */
export type Word = 'deactivations/confirm' | 'deactivations/refuse' | 'absences/confirm' | 'groups/confirm';

/** A refusal, by its stable code. `network` stands for an answer that never came, so that the result is unknown. */
export class Fault extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly problem?: Partial<Schemas['Problem']>,
  ) {
    super(code);
  }

  get words(): string {
    return problem[this.code] ?? problem.other ?? '';
  }

  /** The server may have done it: the answer was lost on the way. */
  get unconfirmed(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

type Asked = Promise<{ data?: unknown; error?: unknown; response: Response }>;

interface Listener {
  onEnd: () => void;
  onFault?: (fault: Fault) => void;
}

/** How calls are made, to one server and in one session. */
export function connect(base: string, session: Session, { onEnd, onFault }: Listener) {
  const told = (fault: Fault) => {
    onFault?.(fault);
    return fault;
  };
  const settle = async <A extends Asked>(asked: A): Promise<NonNullable<Awaited<A>['data']>> => {
    const { data, error, response } = await asked.catch((reason: unknown) => {
      if (reason instanceof SessionEnded) throw reason;
      throw told(new Fault('network', 0));
    });
    if (response.ok) return data as NonNullable<Awaited<A>['data']>;
    const body = (typeof error === 'object' && error ? error : {}) as Partial<Schemas['Problem']>;
    throw told(new Fault(body.code ?? (response.status > 501 ? 'unavailable' : 'other'), response.status, body));
  };

  const authorized = async (request: Request): Promise<Response> => {
    try {
      request.headers.set('authorization', `Bearer ${await session.bearer()}`);
      const response = await fetch(request);
      if (response.status !== 401) return response;
      session.forget();
      throw new SessionEnded();
    } catch (reason) {
      if (reason instanceof SessionEnded) onEnd();
      throw reason;
    }
  };
  const root = new URL(base || '/', document.baseURI).href.replace(/\/$/, '');
  return { root, authorized, settle, ...methods(root, authorized) };
}

/** Every call the section makes, for one tenant. */
export function tenantApi({ root, authorized, settle, GET, POST, PUT }: ReturnType<typeof connect>, tenant: string) {
  const params = { path: { tenant } };
  const from = (version: number) => ({ ...params, header: { 'If-Match': `"${version}"` } });
  const user = (id: string) => ({ path: { tenant, user: id } });
  return {
    show: () => settle(GET('/v1/tenants/{tenant}/identity-sync', { params })),
    enableInbound: () => settle(POST('/v1/tenants/{tenant}/inbound/enable', { params })),
    rotate: (version: number) => settle(POST('/v1/tenants/{tenant}/inbound/rotate', { params: from(version) })),
    disableInbound: () => settle(POST('/v1/tenants/{tenant}/inbound/disable', { params })),
    saveOptions: <D extends keyof Options>(direction: D, version: number, body: Options[D]) =>
      settle(PUT(`/v1/tenants/{tenant}/${direction}/options`, { params: from(version), body } as never)),
    enableOutbound: (body: Schemas['Downstream']) =>
      settle(POST('/v1/tenants/{tenant}/outbound/enable', { params, body })),
    test: (body: Schemas['TestDownstream']) => settle(POST('/v1/tenants/{tenant}/outbound/test', { params, body })),
    disableOutbound: () => settle(POST('/v1/tenants/{tenant}/outbound/disable', { params })),
    testUser: () => settle(POST('/v1/tenants/{tenant}/outbound/test-user', { params })),
    decide: async (word: Word, shown: number): Promise<number> => {
      if (word === 'groups/confirm') {
        const body = { groups: shown };
        return (await settle(POST('/v1/tenants/{tenant}/outbound/held/groups/confirm', { params, body }))).groups;
      }
      const body = { users: shown };
      return (await settle(POST(`/v1/tenants/{tenant}/outbound/held/${word}`, { params, body }))).users;
    },
    parked: (cursor?: string) =>
      settle(GET('/v1/tenants/{tenant}/outbound/parked', { params: { ...params, query: { cursor } } })),
    parkedUser: (id: string) => settle(GET('/v1/tenants/{tenant}/outbound/parked/{user}', { params: user(id) })),
    retry: (id: string) => settle(POST('/v1/tenants/{tenant}/outbound/parked/{user}/retry', { params: user(id) })),
    ignore: (id: string) => settle(POST('/v1/tenants/{tenant}/outbound/parked/{user}/ignore', { params: user(id) })),
    link: (id: string, downstream_id: string) =>
      settle(POST('/v1/tenants/{tenant}/outbound/parked/{user}/link', { params: user(id), body: { downstream_id } })),
    backfill: (dry_run: boolean) =>
      settle(POST('/v1/tenants/{tenant}/outbound/backfill', { params, body: { dry_run } })),
    steerBackfill: (to: 'pause' | 'resume' | 'cancel') =>
      settle(POST(`/v1/tenants/{tenant}/outbound/backfill/${to}`, { params })),
    activity: (query: {
      cursor?: string;
      direction?: 'in' | 'out' | 'realm';
      class?: string;
      user?: string;
      trace?: string;
    }) => settle(GET('/v1/tenants/{tenant}/activity', { params: { ...params, query: { limit: 25, ...query } } })),
    stream: (signal: AbortSignal) =>
      authorized(new Request(`${root}/v1/tenants/${encodeURIComponent(tenant)}/activity/stream`, { signal })),
  };
}

export type TenantApi = ReturnType<typeof tenantApi>;

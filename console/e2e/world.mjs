// The control API in memory, after docs/openapi.json: what the tests and the mock server answer from. A world takes a
// Request and gives a Response, so it serves a browser and a test alike.
import { crc32 } from 'node:zlib';
import { LIMITS, off, scenarios } from './scenarios.mjs';

/** @typedef {import('../src/api').components['schemas']} Schemas */
/** @typedef {Schemas['ActivityEntry']} Entry */
/**
 * @typedef {object} Tenant
 * @property {Schemas['IdentitySync']} sync
 * @property {Entry[]} activity
 * @property {Schemas['ParkedUser'][]} parked
 * @property {Schemas['Person'][]} people
 * @property {Schemas['InboundOptions']} [options]
 */

const JSON_TYPE = { 'content-type': 'application/json', 'cache-control': 'no-store' };
const now = () => new Date().toISOString();

/** @param {unknown} body @param {number} [status] */
const json = (body, status = 200) => new Response(JSON.stringify(body), { status, headers: JSON_TYPE });
const done = () => new Response(null, { status: 204 });

/** @param {number} status @param {string} code @param {Partial<Schemas['Problem']>} [more] */
export function problem(status, code, more = {}) {
  const body = { type: 'about:blank', title: code, status, code, detail: code, ...more };
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json' } });
}

/** @param {Record<string, unknown>} claims */
export function jwt(claims) {
  /** @param {unknown} part */
  const text = part => Buffer.from(JSON.stringify(part)).toString('base64url');
  return `${text({ alg: 'none' })}.${text(claims)}.x`;
}

export const RIGHTS = 'sync:read sync:write tenants:admin realm:write';

/** @param {{ scope?: string, seconds?: number, tenant?: string }} [what] */
export function operator({ scope = RIGHTS, seconds = 600, tenant = '*' } = {}) {
  return jwt({ sub: 'dana@acme.io', tenant, scope, exp: Math.floor(Date.now() / 1000) + seconds });
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
let minted = 0;
/** A token as the registry mints it, different each time: `kvs_`, 43 digits, and 6 of their CRC-32. */
function mint() {
  minted++;
  const body = `7Qm4Zb81${'xK2vRt'.repeat(5)}${String(minted).padStart(5, '0')}`;
  let rest = crc32(body);
  let check = '';
  for (let place = 0; place < 6; place++) {
    check = DIGITS[rest % 62] + check;
    rest = Math.floor(rest / 62);
  }
  return `kvs_${body}${check}`;
}

/** What a probe finds, by the first label of the downstream's host. @type {Record<string, [string, number?, string?]>} */
const PROBES = {
  unauthorized: ['downstream_unauthorized', 401, 'application/json'],
  missing: ['downstream_not_found', 404, 'application/json'],
  html: ['downstream_not_scim', 200, 'text/html; charset=utf-8'],
  tls: ['downstream_tls'],
  slow: ['downstream_timeout'],
  gone: ['downstream_unreachable'],
  blocked: ['address_blocked'],
};

/** Those of this deployment. */
const PORTS = ['', '443', '9443'];

export class World {
  constructor({ many = 0 } = {}) {
    /** @type {Map<string, Tenant>} */
    this.tenants = scenarios(many);
    /** @type {Set<{ slug: string, send: (entry: Entry) => void }>} */
    this.streams = new Set();
    /** @type {Set<string>} */
    this.usedCodes = new Set();
    /** Whether whoever holds a token gets a code for the next one. */
    this.offersCodes = false;
    /** Every call, for tests that ask what was sent. @type {{ method: string, path: string, body: string, ifMatch: string | null }[]} */
    this.calls = [];
  }

  /** @param {string} slug @returns {Tenant} */
  of(slug) {
    const tenant = this.tenants.get(slug);
    if (!tenant) throw new Error(`no tenant ${slug}`);
    return tenant;
  }

  /** Something happens: the log grows and the streams say it. @param {string} slug @param {Partial<Entry>} entry */
  happen(slug, entry) {
    /** @type {Entry} */
    const whole = {
      id: crypto.randomUUID(),
      at: now(),
      direction: 'in',
      operation: 'POST /Users',
      status: 201,
      class: 'ok',
      changed: [],
      realm_calls: [],
      duration_ms: 12,
      ...entry,
    };
    this.of(slug).activity.unshift(whole);
    for (const stream of this.streams) if (stream.slug === slug) stream.send(whole);
    return whole;
  }

  /** @param {Request} request @returns {Promise<Response>} */
  async handle(request) {
    const url = new URL(request.url);
    const path = url.pathname;
    const body = request.method === 'GET' ? '' : await request.text();
    this.calls.push({ method: request.method, path, body, ifMatch: request.headers.get('if-match') });
    const data = body ? JSON.parse(body) : {};
    if (path === '/console/session') return this.session(data.code);
    const claims = this.claims(request);
    if (!claims) return problem(401, 'unauthorized');
    if (path === '/console/code') return this.offersCodes ? json({ code: 'CODE-next' }) : problem(404, 'not_found');
    if (path === '/v1/tenants') return this.list(url.searchParams);
    const [, slug = '', rest = ''] = /^\/v1\/tenants\/([^/]+)\/(.+)$/.exec(path) ?? [];
    const tenant = this.tenants.get(decodeURIComponent(slug));
    if (!tenant) return problem(404, 'not_found');
    const right = rest.startsWith('realm-users')
      ? 'realm:write'
      : request.method === 'GET'
        ? 'sync:read'
        : 'sync:write';
    if (!claims.scope.split(' ').includes(right)) return problem(403, 'forbidden');
    return this.answer(tenant, request, `${request.method} ${rest}`, data, url.searchParams, claims.sub);
  }

  /** @param {Request} request @returns {{ scope: string, sub: string } | undefined} */
  claims(request) {
    const [, part] = (request.headers.get('authorization') ?? '').replace('Bearer ', '').split('.');
    if (!part) return undefined;
    const claims = JSON.parse(Buffer.from(part, 'base64url').toString());
    return claims.exp * 1000 > Date.now() ? claims : undefined;
  }

  /** Codes say what they give: `CODE-…` everything, `READ-…` looking only, `SHORT-…` two seconds. @param {string} code */
  session(code) {
    if (this.usedCodes.has(code) || !/^(CODE|READ|SHORT|BRIEF)-/.test(code)) return problem(401, 'unauthorized');
    this.usedCodes.add(code);
    const scope = code.startsWith('READ') ? 'sync:read' : RIGHTS;
    const seconds = code.startsWith('SHORT') ? 2 : code.startsWith('BRIEF') ? 100 : 600;
    return json({ token: operator({ scope, seconds }) });
  }

  /** @param {URLSearchParams} query */
  list(query) {
    const search = (query.get('search') ?? '').toLowerCase();
    const offset = Number(query.get('offset') ?? 0);
    const all = [...this.tenants.values()].map(({ sync }) => ({
      slug: sync.tenant,
      display_name: sync.display_name,
      realm: sync.realm,
      base_url: sync.inbound.base_url,
    }));
    const found = all.filter(one => `${one.slug} ${one.display_name} ${one.realm}`.toLowerCase().includes(search));
    return json({ tenants: found.slice(offset, offset + Number(query.get('limit') ?? 25)), total: found.length });
  }

  /**
   * @param {Tenant} tenant @param {Request} request @param {string} call
   * @param {any} data @param {URLSearchParams} query @param {string} who
   */
  answer(tenant, request, call, data, query, who) {
    const { sync } = tenant;
    const { inbound, outbound } = sync;
    const fresh = request.headers.get('if-match') === `"${sync.version}"`;
    const [, user = '', what = ''] = /outbound\/parked\/([^/]+)\/?(\w*)$/.exec(call) ?? [];
    if (user) return this.parked(tenant, decodeURIComponent(user), what, data);
    if (call.includes('outbound/backfill')) return this.backfill(tenant, call, data, who);
    if (call.includes('realm-users')) return this.people(tenant, call, data);
    switch (call) {
      case 'GET identity-sync':
        return json(sync);
      case 'POST inbound/enable':
        if (inbound.status === 'enabled') return problem(409, 'already_enabled');
        return this.reveal(tenant, who);
      case 'POST inbound/rotate':
        if (inbound.status === 'disabled') return problem(409, 'not_enabled');
        if (!fresh) return problem(412, 'stale');
        return this.reveal(tenant, who);
      case 'POST inbound/disable':
        if (inbound.status === 'disabled') return problem(409, 'not_enabled');
        Object.assign(inbound, { status: 'disabled', token_hint: null, changed_at: now(), changed_by: who });
        sync.version++;
        return done();
      case 'PUT inbound/options':
        if (data.requests_per_second && data.requests_per_second < 25) {
          return problem(400, 'invalid_field', { field: 'requests_per_second' });
        }
        if (!fresh) return problem(412, 'stale');
        inbound.options = data;
        sync.version++;
        return done();
      case 'PUT outbound/options':
        if (outbound.status === 'disabled') return problem(409, 'not_enabled');
        if (!fresh) return problem(412, 'stale');
        outbound.options = data;
        sync.version++;
        return done();
      case 'POST outbound/held/deactivations/confirm':
      case 'POST outbound/held/deactivations/refuse':
      case 'POST outbound/held/absences/confirm':
        return this.decide(outbound.held, call.includes('absences') ? 'absences' : 'deactivations', 'users', data);
      case 'POST outbound/held/groups/confirm':
        return this.decide(outbound.held, 'groups', 'groups', data);
      case 'POST outbound/test':
      case 'POST outbound/enable':
        return this.probe(tenant, call.endsWith('enable'), data, who);
      case 'POST outbound/disable':
        if (outbound.status === 'disabled') return problem(409, 'not_enabled');
        sync.outbound = off();
        sync.version++;
        return done();
      case 'POST outbound/test-user':
        return this.testUser();
      case 'GET outbound/parked':
        return json({ users: tenant.parked.map(({ candidate: _, ...rest }) => rest), next: null });
      case 'GET activity':
        return this.activity(tenant, query);
      case 'GET activity/stream':
        return this.stream(sync.tenant, request.signal);
      default:
        return problem(404, 'not_found');
    }
  }

  /** @param {Tenant} tenant @param {string} who */
  reveal({ sync }, who) {
    const token = mint();
    const at = now();
    sync.version++;
    Object.assign(sync.inbound, {
      status: 'enabled',
      token_hint: token.slice(-4),
      token_issued_at: at,
      token_issued_by: who,
      changed_at: at,
      changed_by: who,
    });
    return json({ token, hint: token.slice(-4), base_url: sync.inbound.base_url, version: sync.version });
  }

  /** @param {Tenant} tenant @param {boolean} enable @param {Schemas['Downstream']} data @param {string} who */
  probe({ sync, parked }, enable, data, who) {
    if (enable && sync.outbound.status === 'enabled') return problem(409, 'already_enabled');
    const base = (data.base_url ?? sync.outbound.endpoint ?? '').replace(/\/+$/, '');
    const refused = (/** @type {string | undefined} */ part) =>
      problem(400, 'invalid_field', { field: 'base_url', part });
    if (base.includes('refused-by-server')) return refused(undefined);
    if (!PORTS.includes(new URL(base).port) && !base.includes('//127.0.0.1')) return refused('port');
    const found = PROBES[new URL(base).hostname.split('.')[0] ?? ''] ?? (data.token === 'wrong' && PROBES.unauthorized);
    if (found) {
      const [code, status, content_type] = found;
      const asked = code !== 'address_blocked' && { elapsed_ms: 212 };
      const probe = { url: `${base}/ServiceProviderConfig`, status, content_type, ...asked };
      return problem(422, code, { probe });
    }
    if (enable) {
      sync.outbound = {
        status: 'enabled',
        endpoint: base,
        enabled_at: now(),
        enabled_by: who,
        limitations: LIMITS,
        held: { deactivations: 0, absences: 0, groups: 0 },
        options: { on_delete: 'nothing', hold_mass_deactivation: false },
        health: { waiting: 0, parked: parked.length, oldest_waiting_seconds: 0, last_delivered_at: null },
      };
      sync.version++;
    }
    return json({ endpoint: base, supports_patch: true, supports_filter: true, limitations: [] });
  }

  /** @param {Schemas['Held']} held @param {keyof Schemas['Held']} what @param {string} noun @param {any} shown */
  decide(held, what, noun, shown) {
    if (held[what] > shown[noun]) return problem(409, 'stale');
    const decided = held[what];
    held[what] = 0;
    return json({ [noun]: decided });
  }

  /** Not a push: the log does not have it. */
  testUser() {
    /** @type {[string, number][]} */
    const calls = [
      ['POST /Users', 201],
      ['GET /Users', 200],
      ['PATCH /Users/{id}', 200],
      ['DELETE /Users/{id}', 204],
    ];
    const steps = calls.map(([operation, status]) => ({ operation, status, class: 'ok', duration_ms: 34 }));
    return json({ steps, ok: true });
  }

  /** @param {Tenant} tenant @param {string} id @param {string} what @param {any} data */
  parked(tenant, id, what, data) {
    const at = tenant.parked.findIndex(one => one.user_id === id);
    const found = tenant.parked[at];
    if (!found) return problem(404, 'not_found');
    if (!what) return json(found);
    if (what === 'link' && data.downstream_id !== found.candidate?.id) return problem(409, 'stale');
    tenant.parked.splice(at, 1);
    if (tenant.sync.outbound.health) tenant.sync.outbound.health.parked = tenant.parked.length;
    return done();
  }

  /** @param {Tenant} tenant @param {string} call @param {any} data @param {string} who */
  backfill({ sync }, call, data, who) {
    const job = sync.outbound.backfill;
    const to = call.split('/').at(-1);
    if (call.startsWith('GET')) return job ? json(job) : problem(404, 'not_found');
    if (to === 'backfill') {
      if (job?.state === 'running') return problem(409, 'already_running');
      sync.outbound.backfill = {
        id: crypto.randomUUID(),
        state: data.dry_run ? 'done' : 'running',
        dry_run: data.dry_run,
        started_at: now(),
        started_by: who,
        ended_at: data.dry_run ? now() : null,
        total: 4120,
        seen: data.dry_run ? 4120 : 1310,
        create: data.dry_run ? 3902 : 1240,
        update: 12,
        in_step: 204,
        conflict: 2,
        groups: data.dry_run ? { total: 41, seen: 41, create: 37, update: 3, in_step: 1, conflict: 0 } : null,
        sample: [
          { user_id: '5b1f', username: 'ada@acme.io', action: 'create' },
          { user_id: '5b20', username: 'grace@acme.io', action: 'update' },
          { user_id: '5b21', username: 'دانا@acme.io', action: 'conflict' },
        ],
      };
      return json(sync.outbound.backfill, 202);
    }
    if (!job) return problem(404, 'not_found');
    job.state = to === 'pause' ? 'paused' : to === 'resume' ? 'running' : 'cancelled';
    return json(job);
  }

  /** @param {Tenant} tenant @param {string} call @param {any} data */
  people({ people }, call, data) {
    if (call.startsWith('GET')) return json(people);
    if (call.startsWith('POST')) {
      if (people.some(one => one.username === data.username)) return problem(409, 'taken');
      const person = { id: crypto.randomUUID(), enabled: true, ...data };
      people.push(person);
      return json(person, 201);
    }
    const person = people.find(one => one.id === call.split('/').at(-1));
    return person ? json(Object.assign(person, data)) : problem(404, 'not_found');
  }

  /** @param {Tenant} tenant @param {URLSearchParams} query */
  activity(tenant, query) {
    const from = Number(query.get('cursor') ?? 0);
    const limit = Number(query.get('limit') ?? 25);
    const { direction, class: outcome, trace, user } = Object.fromEntries(query);
    const fold = (/** @type {string | null | undefined} */ text) => text?.toLowerCase();
    const person = user && tenant.people.find(one => fold(one.email) === fold(user));
    const ids = person ? [person.id] : [fold(user)];
    const found = tenant.activity.filter(
      one =>
        (!direction || one.direction === direction) &&
        (!outcome || outcome.split(',').includes(one.class)) &&
        (!trace || one.trace_id === trace) &&
        (!user || ids.includes(fold(one.user_id)) || ids.includes(fold(one.username))),
    );
    const next = from + limit < found.length ? String(from + limit) : null;
    return json({ entries: found.slice(from, from + limit), next });
  }

  /** @param {string} slug @param {AbortSignal} signal */
  stream(slug, signal) {
    const text = new TextEncoder();
    const { streams } = this;
    /** @type {{ slug: string, send: (entry: Entry) => void } | undefined} */
    let listener;
    const close = () => {
      if (listener) streams.delete(listener);
    };
    signal.addEventListener('abort', close);
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(text.encode(': hello\n\n'));
        listener = {
          slug,
          send: entry => controller.enqueue(text.encode(`event: entry\ndata: ${JSON.stringify(entry)}\n\n`)),
        };
        streams.add(listener);
      },
      cancel: close,
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' } });
  }
}

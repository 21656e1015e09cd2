// The tenants of a fresh world, each in a state worth looking at.

/** @typedef {import('./world.mjs').Tenant} Tenant */
/** @typedef {Partial<import('../src/api').components['schemas']['IdentitySync']>} Sync */

/** @param {number} seconds */
const before = seconds => new Date(Date.now() - seconds * 1000).toISOString();

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const ADA = '8f14e45f-ceea-4a7a-9c3d-1b2a3c4d5e6f';

/** As control words them. */
export const LIMITS = [
  'Hard deletes are not propagated.',
  'No automatic backfill: existing users follow when edited, or by a backfill you start.',
  'One downstream per tenant.',
];

/** An outbound panel that is off. @returns {import('../src/api').components['schemas']['OutboundPanel']} */
export const off = () => ({
  status: 'disabled',
  limitations: LIMITS,
  held: { deactivations: 0, absences: 0, groups: 0 },
});

/** @param {string} slug @param {string} display_name @param {Sync} [more] @returns {Tenant} */
function tenant(slug, display_name, more = {}) {
  const base_url = `https://identity-0.kevra.app/realms/${slug}/scim/v2`;
  return {
    sync: {
      tenant: slug,
      display_name,
      realm: slug,
      version: 1,
      admin_console_url: `https://identity-0.kevra.app/admin/${slug}/console/`,
      realm_kind: 'keycloak',
      outbound: off(),
      ...more,
      inbound: {
        status: 'disabled',
        base_url,
        options: {
          idp_profile: 'auto',
          strict_members: false,
          existing_users: 'refuse',
          allow_rename: true,
          any_username: false,
        },
        ...more.inbound,
      },
    },
    activity: [],
    parked: [],
    people: [],
  };
}

function globex() {
  const it = tenant('globex', 'Globex Corporation', {
    inbound: {
      status: 'enabled',
      base_url: 'https://login.globex.example/realms/globex/scim/v2',
      also_valid: 'https://identity-0.kevra.app/realms/globex/scim/v2',
      token_hint: '9vXc',
      token_issued_at: before(86_400 * 3),
      token_issued_by: 'dana@acme.io',
      last_accepted: { at: before(12), operation: 'POST /Users', client: 'Okta' },
      last_rejected: { at: before(3_700), operation: 'GET /Users', class: 'no_bearer', reason: 'no "Bearer"' },
      changed_at: before(86_400 * 3),
      changed_by: 'dana@acme.io',
      options: {
        idp_profile: 'okta',
        strict_members: false,
        existing_users: 'adopt',
        allow_rename: true,
        any_username: false,
      },
    },
    outbound: {
      status: 'enabled',
      endpoint: 'https://downstream.example.com/scim/v2',
      enabled_at: before(86_400),
      enabled_by: 'dana@acme.io',
      limitations: [...LIMITS, 'PATCH is not supported; whole records are sent by PUT'],
      options: { on_delete: 'nothing', hold_mass_deactivation: false },
      held: { deactivations: 0, absences: 0, groups: 0 },
      health: { waiting: 0, parked: 3, oldest_waiting_seconds: 0, last_delivered_at: before(14) },
    },
  });
  it.parked = [
    {
      user_id: ADA,
      kind: 'user',
      username: 'ada.lovelace@globex.example',
      reason: 'conflict',
      status: 409,
      since: before(5_400),
      attempts: 1,
      candidate: {
        id: '2819c223-7f76',
        external_id: null,
        user_name: 'ada.lovelace@globex.example',
        display_name: 'Ada Lovelace',
        active: true,
      },
    },
    {
      user_id: 'b2',
      kind: 'user',
      username: 'grace@globex.example',
      reason: 'rejected',
      status: 400,
      since: before(900),
      attempts: 3,
    },
    { user_id: 'b3', kind: 'user', username: null, reason: 'unconfirmed create', since: before(60), attempts: 1 },
  ];
  const shared = {
    trace_id: TRACE,
    user_id: ADA,
    username: 'ada.lovelace@globex.example',
    changed: [],
    realm_calls: [],
  };
  it.activity = [
    {
      id: '6',
      at: before(14),
      direction: 'out',
      operation: 'POST /Users',
      status: 201,
      class: 'ok',
      duration_ms: 48,
      ...shared,
    },
    { id: '5', at: before(15), direction: 'realm', operation: 'USER CREATE', class: 'ok', duration_ms: 0, ...shared },
    {
      id: '4',
      at: before(16),
      direction: 'in',
      operation: 'POST /Users',
      status: 201,
      class: 'ok',
      duration_ms: 21,
      client: 'Okta',
      ...shared,
      realm_calls: [
        { operation: 'create user', class: 'ok', count: 1, duration_ms: 9 },
        { operation: 'grant role', class: 'unavailable', count: 2, duration_ms: 7 },
      ],
    },
    {
      id: '3',
      at: before(400),
      direction: 'out',
      operation: 'PATCH /Users/{id}',
      status: 400,
      class: 'rejected',
      reason: 'invalidValue',
      changed: ['emails'],
      realm_calls: [],
      duration_ms: 31,
      user_id: 'b2',
      detail: '{"detail":"emails[0].value is not an e-mail address"}',
    },
    {
      id: '2',
      at: before(420),
      direction: 'out',
      operation: 'PATCH /Users/{id}',
      status: 200,
      class: 'ok',
      changed: ['active'],
      realm_calls: [],
      duration_ms: 29,
    },
    {
      id: '1',
      at: before(3_700),
      direction: 'in',
      operation: 'GET /Users',
      status: 401,
      class: 'no_bearer',
      reason: 'no "Bearer" before the token',
      changed: [],
      realm_calls: [],
      duration_ms: 1,
    },
  ];
  return it;
}

function initech() {
  const it = tenant('initech', 'شركة الاختبار الدولية', {
    realm_kind: 'embedded',
    admin_console_url: null,
    outbound: { ...off(), held: { deactivations: 0, absences: 1_031, groups: 42 } },
    inbound: {
      status: 'enabled',
      base_url: 'https://identity-0.kevra.app/realms/initech/scim/v2',
      token_hint: 'k2Qz',
      token_issued_at: before(600),
      token_issued_by: 'دانا@initech.example',
      last_rejected: { at: before(30), operation: 'GET /Users', class: 'doubled_bearer', reason: 'doubled' },
      options: {
        idp_profile: 'auto',
        strict_members: true,
        existing_users: 'refuse',
        allow_rename: false,
        any_username: false,
      },
      import: { state: 'running', imported: 1240, started_at: before(20) },
    },
  });
  it.people = [
    {
      id: 'p1',
      username: 'ada',
      email: 'ada@initech.example',
      first_name: 'Ada',
      last_name: 'Lovelace',
      enabled: true,
    },
    { id: 'p2', username: 'دانا', email: null, first_name: 'دانا', last_name: 'حداد', enabled: false },
  ];
  return it;
}

function umbrella() {
  return tenant('umbrella', 'Umbrella', {
    outbound: {
      status: 'enabled',
      endpoint: 'https://unauthorized.example.com/scim/v2',
      enabled_at: before(86_400),
      enabled_by: 'dana@acme.io',
      quarantined_at: before(1_900),
      quarantine_code: 'unauthorized',
      quarantine_reason: 'the downstream answers 401: it does not take our token',
      limitations: LIMITS,
      options: { on_delete: 'deactivate', hold_mass_deactivation: true },
      held: { deactivations: 24, absences: 0, groups: 0 },
      health: { waiting: 12, parked: 0, oldest_waiting_seconds: 1_900, last_delivered_at: before(2_000) },
    },
  });
}

/** @param {number} many @returns {Map<string, Tenant>} */
export function scenarios(many) {
  const all = [
    tenant('acme', 'Acme'),
    globex(),
    initech(),
    umbrella(),
    tenant(
      'long',
      'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft & Partner International',
    ),
  ];
  for (let at = all.length; at < many; at++) {
    const slug = `tenant-${String(at).padStart(5, '0')}`;
    all.push(tenant(slug, `Customer ${at}`));
  }
  return new Map(all.map(one => [one.sync.tenant, one]));
}

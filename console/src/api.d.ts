/**
 * The control API in the shape openapi-typescript gives it: `npm run types` writes this file from docs/openapi.json.
 */
export interface paths {
  '/v1/tenants': {
    get: operations['list_tenants'];
  };
  '/v1/tenants/{tenant}/identity-sync': {
    get: operations['show_identity_sync'];
  };
  '/v1/tenants/{tenant}/inbound/enable': {
    post: operations['enable_inbound'];
  };
  '/v1/tenants/{tenant}/inbound/rotate': {
    post: operations['rotate_inbound'];
  };
  '/v1/tenants/{tenant}/inbound/disable': {
    post: operations['disable_inbound'];
  };
  '/v1/tenants/{tenant}/inbound/options': {
    put: operations['change_inbound_options'];
  };
  '/v1/tenants/{tenant}/outbound/enable': {
    post: operations['enable_outbound'];
  };
  '/v1/tenants/{tenant}/outbound/test': {
    post: operations['test_outbound'];
  };
  '/v1/tenants/{tenant}/outbound/disable': {
    post: operations['disable_outbound'];
  };
  '/v1/tenants/{tenant}/outbound/test-user': {
    post: operations['send_test_user'];
  };
  '/v1/tenants/{tenant}/activity': {
    get: operations['list_activity'];
  };
  '/v1/tenants/{tenant}/activity/stream': {
    get: operations['stream_activity'];
  };
  '/v1/tenants/{tenant}/outbound/parked': {
    get: operations['list_parked'];
  };
  '/v1/tenants/{tenant}/outbound/parked/{user}': {
    get: operations['show_parked'];
  };
  '/v1/tenants/{tenant}/outbound/parked/{user}/retry': {
    post: operations['retry_parked'];
  };
  '/v1/tenants/{tenant}/outbound/parked/{user}/ignore': {
    post: operations['ignore_parked'];
  };
  '/v1/tenants/{tenant}/outbound/parked/{user}/link': {
    post: operations['link_parked'];
  };
  '/v1/tenants/{tenant}/outbound/backfill': {
    get: operations['show_backfill'];
    post: operations['start_backfill'];
  };
  '/v1/tenants/{tenant}/outbound/backfill/pause': {
    post: operations['pause_backfill'];
  };
  '/v1/tenants/{tenant}/outbound/backfill/resume': {
    post: operations['resume_backfill'];
  };
  '/v1/tenants/{tenant}/outbound/backfill/cancel': {
    post: operations['cancel_backfill'];
  };
  '/v1/tenants/{tenant}/realm-users': {
    get: operations['list_realm_users'];
    post: operations['create_realm_user'];
  };
  '/v1/tenants/{tenant}/realm-users/{user}': {
    patch: operations['change_realm_user'];
  };
}

export interface components {
  schemas: {
    Tenant: {
      slug: string;
      display_name: string;
      realm: string;
      custom_domain?: string | null;
      base_url: string;
    };
    TenantList: {
      tenants: components['schemas']['Tenant'][];
      total: number;
    };
    IdentitySync: {
      tenant: string;
      display_name: string;
      realm: string;
      version: number;
      admin_console_url?: string | null;
      realm_kind: 'keycloak' | 'embedded';
      inbound: components['schemas']['InboundPanel'];
      outbound: components['schemas']['OutboundPanel'];
    };
    InboundPanel: {
      status: 'enabled' | 'disabled';
      base_url: string;
      also_valid?: string | null;
      token_hint?: string | null;
      token_issued_at?: string | null;
      token_issued_by?: string | null;
      token_expires_at?: string | null;
      last_accepted?: components['schemas']['Accepted'] | null;
      last_rejected?: components['schemas']['Rejected'] | null;
      changed_at?: string | null;
      changed_by?: string | null;
      options: components['schemas']['InboundOptions'];
      import?: components['schemas']['Import'] | null;
    };
    Accepted: {
      at: string;
      operation: string;
      client?: string | null;
    };
    Rejected: {
      at: string;
      operation: string;
      class: 'no_bearer' | 'doubled_bearer' | 'unusable' | 'rotated' | 'disabled' | 'expired' | 'elsewhere' | 'unknown';
      reason: string;
    };
    InboundOptions: {
      idp_profile: 'auto' | 'okta' | 'entra' | 'generic';
      strict_members: boolean;
      existing_users: 'refuse' | 'adopt';
      allow_rename: boolean;
      token_days?: number | null;
      requests_per_second?: number | null;
    };
    Import: {
      state: 'running' | 'done';
      imported: number;
      started_at: string;
    };
    OutboundPanel: {
      status: 'enabled' | 'disabled';
      endpoint?: string | null;
      enabled_at?: string | null;
      enabled_by?: string | null;
      quarantined_at?: string | null;
      quarantine_reason?: string | null;
      paused_until?: string | null;
      limitations: string[];
      health?: components['schemas']['Health'] | null;
      backfill?: components['schemas']['Backfill'] | null;
    };
    Health: {
      waiting: number;
      parked: number;
      oldest_waiting_seconds: number;
      last_delivered_at?: string | null;
    };
    Backfill: {
      id: string;
      state: 'running' | 'paused' | 'done' | 'cancelled';
      dry_run: boolean;
      started_at: string;
      started_by: string;
      ended_at?: string | null;
      total?: number | null;
      seen: number;
      create: number;
      update: number;
      in_step: number;
      conflict: number;
      sample: components['schemas']['Planned'][];
    };
    Planned: {
      user_id: string;
      username?: string | null;
      action: 'create' | 'update' | 'conflict';
    };
    Revealed: {
      token: string;
      hint: string;
      base_url: string;
      version: number;
    };
    Downstream: {
      base_url?: string;
      token?: string;
    };
    Probed: {
      endpoint: string;
      supports_patch: boolean;
      supports_filter: boolean;
      limitations: string[];
    };
    TestUser: {
      steps: components['schemas']['Step'][];
      ok: boolean;
    };
    Step: {
      operation: string;
      status?: number | null;
      class: string;
      duration_ms: number;
    };
    Entry: {
      id: string;
      at: string;
      direction: 'in' | 'out' | 'realm';
      user_id?: string | null;
      operation: string;
      status?: number | null;
      class: string;
      reason?: string | null;
      changed: string[];
      duration_ms: number;
      trace_id?: string | null;
      client?: string | null;
      detail?: string | null;
    };
    EntryList: {
      entries: components['schemas']['Entry'][];
      next?: string | null;
    };
    Parked: {
      user_id: string;
      username?: string | null;
      reason: string;
      status?: number | null;
      since: string;
      attempts: number;
    };
    ParkedList: {
      users: components['schemas']['Parked'][];
      next?: string | null;
    };
    ParkedDetail: components['schemas']['Parked'] & {
      candidate?: components['schemas']['Candidate'] | null;
    };
    Candidate: {
      id: string;
      external_id?: string | null;
      user_name?: string | null;
      display_name?: string | null;
      active?: boolean | null;
    };
    Person: {
      id: string;
      username: string;
      email?: string | null;
      first_name?: string | null;
      last_name?: string | null;
      enabled: boolean;
    };
    SavePerson: {
      username?: string;
      email?: string | null;
      first_name?: string | null;
      last_name?: string | null;
      enabled?: boolean;
    };
    Problem: {
      type: string;
      title: string;
      status: number;
      code: string;
      detail: string;
      field?: string | null;
      probe?: components['schemas']['Probe'] | null;
    };
    Probe: {
      url: string;
      status?: number | null;
      content_type?: string | null;
      elapsed_ms: number;
    };
  };
}

type Json<T> = { headers: { [name: string]: unknown }; content: { 'application/json': T } };
type Nothing = { headers: { [name: string]: unknown }; content?: never };
type Refused = {
  headers: { [name: string]: unknown };
  content: { 'application/problem+json': components['schemas']['Problem'] };
};
type OfTenant = { path: { tenant: string } };
type OfUser = { path: { tenant: string; user: string } };

export interface operations {
  list_tenants: {
    parameters: { query?: { search?: string; offset?: number; limit?: number } };
    responses: { 200: Json<components['schemas']['TenantList']>; default: Refused };
  };
  show_identity_sync: {
    parameters: OfTenant;
    responses: { 200: Json<components['schemas']['IdentitySync']>; default: Refused };
  };
  enable_inbound: {
    parameters: OfTenant;
    responses: { 200: Json<components['schemas']['Revealed']>; 409: Refused };
  };
  rotate_inbound: {
    parameters: OfTenant & { header: { 'If-Match': string } };
    responses: { 200: Json<components['schemas']['Revealed']>; 409: Refused; 412: Refused };
  };
  disable_inbound: {
    parameters: OfTenant;
    responses: { 204: Nothing; 409: Refused };
  };
  change_inbound_options: {
    parameters: OfTenant;
    requestBody: { content: { 'application/json': components['schemas']['InboundOptions'] } };
    responses: { 204: Nothing; 400: Refused };
  };
  enable_outbound: {
    parameters: OfTenant;
    requestBody: { content: { 'application/json': components['schemas']['Downstream'] } };
    responses: { 200: Json<components['schemas']['Probed']>; 400: Refused; 409: Refused; 422: Refused };
  };
  test_outbound: {
    parameters: OfTenant;
    requestBody: { content: { 'application/json': components['schemas']['Downstream'] } };
    responses: { 200: Json<components['schemas']['Probed']>; 400: Refused; 422: Refused };
  };
  disable_outbound: {
    parameters: OfTenant;
    responses: { 204: Nothing; 409: Refused };
  };
  send_test_user: {
    parameters: OfTenant;
    responses: { 200: Json<components['schemas']['TestUser']>; default: Refused };
  };
  list_activity: {
    parameters: OfTenant & {
      query?: {
        cursor?: string;
        limit?: number;
        direction?: 'in' | 'out' | 'realm';
        class?: string;
        user?: string;
        trace?: string;
      };
    };
    responses: { 200: Json<components['schemas']['EntryList']>; default: Refused };
  };
  stream_activity: {
    parameters: OfTenant;
    responses: {
      200: { headers: { [name: string]: unknown }; content: { 'text/event-stream': string } };
      default: Refused;
    };
  };
  list_parked: {
    parameters: OfTenant & { query?: { cursor?: string } };
    responses: { 200: Json<components['schemas']['ParkedList']>; default: Refused };
  };
  show_parked: {
    parameters: OfUser;
    responses: { 200: Json<components['schemas']['ParkedDetail']>; default: Refused };
  };
  retry_parked: {
    parameters: OfUser;
    responses: { 204: Nothing; default: Refused };
  };
  ignore_parked: {
    parameters: OfUser;
    responses: { 204: Nothing; default: Refused };
  };
  link_parked: {
    parameters: OfUser;
    requestBody: { content: { 'application/json': { downstream_id: string } } };
    responses: { 204: Nothing; 409: Refused };
  };
  show_backfill: {
    parameters: OfTenant;
    responses: { 200: Json<components['schemas']['Backfill']>; 404: Refused };
  };
  start_backfill: {
    parameters: OfTenant;
    requestBody: { content: { 'application/json': { dry_run: boolean } } };
    responses: { 202: Json<components['schemas']['Backfill']>; 409: Refused };
  };
  pause_backfill: {
    parameters: OfTenant;
    responses: { 200: Json<components['schemas']['Backfill']>; default: Refused };
  };
  resume_backfill: {
    parameters: OfTenant;
    responses: { 200: Json<components['schemas']['Backfill']>; default: Refused };
  };
  cancel_backfill: {
    parameters: OfTenant;
    responses: { 200: Json<components['schemas']['Backfill']>; default: Refused };
  };
  list_realm_users: {
    parameters: OfTenant;
    responses: { 200: Json<components['schemas']['Person'][]>; default: Refused };
  };
  create_realm_user: {
    parameters: OfTenant;
    requestBody: { content: { 'application/json': components['schemas']['SavePerson'] } };
    responses: { 201: Json<components['schemas']['Person']>; default: Refused };
  };
  change_realm_user: {
    parameters: OfUser;
    requestBody: { content: { 'application/json': components['schemas']['SavePerson'] } };
    responses: { 200: Json<components['schemas']['Person']>; default: Refused };
  };
}

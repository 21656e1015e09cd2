/** What the control API takes and answers with, in the shape openapi-typescript gives it. */
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

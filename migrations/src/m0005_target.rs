//! Outbound targets: URL and sealed token. A new base URL is a new target; the old row is retired, its links stay.

crate::table!(
    "m0005_target",
    r"
create table target (
    id uuid not null constraint target_pk primary key,
    tenant_id uuid not null constraint target_tenant_fk references tenant (id) on delete cascade,
    base_url text not null,
    sealed_token bytea not null,
    generation bigint not null,
    state text not null,
    supports_patch boolean not null default true,
    supports_filter boolean not null default true,
    limitations text not null default '[]',
    baseline_done_at bigint,
    quarantined_at bigint,
    quarantine_reason text,
    paused_until bigint,
    probe_at bigint,
    probe_failures bigint not null default 0,
    enabled_at bigint not null,
    enabled_by text not null,
    constraint target_base_url_unique unique (tenant_id, base_url)
);
create unique index target_one_current on target (tenant_id) where state <> 'retired';
"
);

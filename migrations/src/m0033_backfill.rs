//! Backfills: one alive per tenant. The cursor is the last user looked at; the lease says which dispatcher goes on.

crate::table!(
    "m0033_backfill",
    r"
create table backfill (
    id uuid not null constraint backfill_pk primary key,
    tenant_id uuid not null constraint backfill_tenant_fk references tenant (id) on delete cascade,
    target_id uuid not null,
    state text not null,
    dry_run boolean not null,
    started_at bigint not null,
    started_by text not null,
    ended_at bigint,
    reach uuid,
    total bigint,
    seen bigint not null default 0,
    creates bigint not null default 0,
    updates bigint not null default 0,
    in_step bigint not null default 0,
    conflicts bigint not null default 0,
    sample text not null default '[]',
    epoch bigint not null default 0,
    lease_until bigint,
    next_at bigint not null
);
create unique index backfill_one_alive on backfill (tenant_id) where ended_at is null;
create index backfill_newest on backfill (tenant_id, started_at);
"
);

//! What is owed: one row per realm user we have heard of. `dirty_seq > acked_seq` is the outbox.

crate::table!(
    "m0012_ledger",
    r"
create table ledger (
    tenant_id uuid not null constraint ledger_tenant_fk references tenant (id) on delete cascade,
    user_id uuid not null,
    dirty_seq bigint not null,
    seen_seq bigint not null default 0,
    acked_seq bigint not null default 0,
    owed_seq bigint not null default 0,
    reassert_seq bigint,
    epoch bigint not null default 0,
    settled_epoch bigint not null default 0,
    lease_until bigint,
    lease_generation bigint,
    triage_at bigint not null,
    next_at bigint not null,
    lane smallint not null default 1,
    attempts bigint not null default 0,
    verdict text,
    reason text,
    observed bytea,
    gone_at bigint,
    dirty_at bigint not null,
    trace text,
    constraint ledger_pk primary key (tenant_id, user_id)
);
create index ledger_triage on ledger (triage_at) where dirty_seq > seen_seq;
create index ledger_due on ledger (lane, next_at) where owed_seq > acked_seq;
create index ledger_leases on ledger (tenant_id, lease_until) where lease_until is not null;
"
);

//! Groups are pushed where the tenant chose so: a ledger of their own, so that nothing that counts or works on users ever
//! meets a group, and what is known to stand in a group downstream.

crate::table!(
    "m0041_group_push",
    r"
alter table target add column push_groups boolean not null default false;
create table group_ledger (
    tenant_id uuid not null constraint group_ledger_tenant_fk references tenant (id) on delete cascade,
    group_id uuid not null,
    dirty_seq bigint not null,
    seen_seq bigint not null default 0,
    acked_seq bigint not null default 0,
    owed_seq bigint not null default 0,
    reassert_seq bigint,
    assert_at bigint,
    epoch bigint not null default 0,
    settled_epoch bigint not null default 0,
    lease_until bigint,
    lease_generation bigint,
    triage_at bigint not null,
    next_at bigint not null,
    lane smallint not null default 1,
    attempts bigint not null default 0,
    reason text,
    observed bytea,
    dirty_at bigint not null,
    trace text,
    check_roles boolean not null default false,
    delete_seen boolean not null default false,
    released boolean not null default false,
    parked_at bigint,
    parked_status bigint,
    ignored boolean not null default false,
    constraint group_ledger_pk primary key (tenant_id, group_id)
);
create index group_ledger_look on group_ledger (triage_at) where dirty_seq > seen_seq;
create index group_ledger_due on group_ledger (tenant_id, lane, next_at) where owed_seq > acked_seq;
create index group_ledger_leases on group_ledger (tenant_id, lease_until) where lease_until is not null;
create table group_link (
    tenant_id uuid not null,
    group_id uuid not null,
    target_id uuid not null constraint group_link_target_fk references target (id) on delete cascade,
    downstream_id text,
    verified_generation bigint not null default 0,
    digests text not null default '{}',
    create_intent_at bigint,
    owed boolean not null default false,
    adopted boolean not null default false,
    candidate_id text,
    candidate_digest text,
    updated_at bigint not null,
    constraint group_link_pk primary key (tenant_id, group_id, target_id)
);
create table pushed_member (
    tenant_id uuid not null,
    group_id uuid not null,
    target_id uuid not null constraint pushed_member_target_fk references target (id) on delete cascade,
    user_id uuid not null,
    downstream_id text not null,
    sure boolean not null,
    constraint pushed_member_pk primary key (tenant_id, group_id, target_id, user_id, downstream_id)
);
create index pushed_member_user on pushed_member (tenant_id, user_id);
create index link_downstream on link (tenant_id, target_id, downstream_id) where downstream_id is not null;
"
);

//! The target's part of a ledger row: downstream id, digests of what was sent. Links of a retired target stay.

crate::table!(
    "m0013_link",
    r"
create table link (
    tenant_id uuid not null,
    user_id uuid not null,
    target_id uuid not null constraint link_target_fk references target (id) on delete cascade,
    downstream_id text,
    verified_generation bigint not null default 0,
    digests text not null default '{}',
    create_intent_at bigint,
    owed boolean not null default false,
    updated_at bigint not null,
    constraint link_pk primary key (tenant_id, user_id, target_id)
);
"
);

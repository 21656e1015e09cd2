//! Ids of realm events already taken, kept 15 minutes (K28).

crate::table!(
    "m0015_seen_event",
    r"
create table seen_event (
    tenant_id uuid not null constraint seen_event_tenant_fk references tenant (id) on delete cascade,
    event_id text not null,
    seen_at bigint not null,
    constraint seen_event_pk primary key (tenant_id, event_id)
);
create index seen_event_age on seen_event (seen_at);
"
);

//! What happened, both directions, for the console: names of attributes, never values.

crate::table!(
    "m0016_activity",
    r"
create table activity (
    id uuid not null constraint activity_pk primary key,
    tenant_id uuid not null constraint activity_tenant_fk references tenant (id) on delete cascade,
    at bigint not null,
    direction text not null,
    user_id uuid,
    target_id uuid,
    operation text not null,
    status bigint,
    class text not null,
    reason text,
    changed text not null default '[]',
    duration_ms bigint not null,
    seq bigint,
    trace_id text
);
create index activity_tenant on activity (tenant_id, at, id);
"
);

//! Who was deactivated, or found gone, at a downstream of late: what tells a mass of them from a few. Kept for minutes.

crate::table!(
    "m0035_departure",
    r"
create table departure (
    tenant_id uuid not null constraint departure_tenant_fk references tenant (id) on delete cascade,
    target_id uuid not null,
    generation bigint not null,
    kind text not null,
    user_id uuid not null,
    at bigint not null,
    constraint departure_pk primary key (target_id, kind, user_id)
);
create index departure_at on departure (at);
"
);

//! Creates of groups under way (K2), as for users.

crate::table!(
    "m0021_group_reservation",
    r"
create table group_reservation (
    tenant_id uuid not null constraint group_reservation_tenant_fk references tenant (id) on delete cascade,
    display_key text not null,
    external_key text,
    nonce uuid not null,
    document text not null,
    members text not null,
    created_at bigint not null,
    lease_until bigint not null,
    constraint group_reservation_pk primary key (tenant_id, display_key)
);
create index group_reservation_lease on group_reservation (lease_until);
"
);

//! Creates under way (K2): the nonce travels as the marker's value in the realm.

crate::table!(
    "m0009_reservation",
    r"
create table reservation (
    tenant_id uuid not null constraint reservation_tenant_fk references tenant (id) on delete cascade,
    username_key text not null,
    external_key text,
    nonce uuid not null,
    document text not null,
    created_at bigint not null,
    lease_until bigint not null,
    constraint reservation_pk primary key (tenant_id, username_key)
);
create index reservation_lease on reservation (lease_until);
"
);

//! The data-path client of a realm: its id and sealed secret.

crate::table!(
    "m0006_realm_credential",
    r"
create table realm_credential (
    tenant_id uuid not null constraint realm_credential_pk primary key
        constraint realm_credential_tenant_fk references tenant (id) on delete cascade,
    client_id text not null,
    sealed_secret bytea not null,
    generation bigint not null,
    updated_at bigint not null
);
"
);

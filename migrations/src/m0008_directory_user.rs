//! SCIM users of the directory: managed users only.

crate::table!(
    "m0008_directory_user",
    r"
create table directory_user (
    tenant_id uuid not null constraint directory_user_tenant_fk references tenant (id) on delete cascade,
    id uuid not null,
    document text not null,
    version bigint not null,
    username_key text,
    external_key text,
    active boolean not null,
    adopted boolean not null default false,
    base text not null,
    nonce uuid not null,
    created_at bigint not null,
    modified_at bigint not null,
    write_until bigint,
    write_epoch bigint not null default 0,
    logout_owed boolean not null default false,
    realm_doubt_until bigint,
    constraint directory_user_pk primary key (tenant_id, id),
    constraint directory_user_username_unique unique (tenant_id, username_key),
    constraint directory_user_external_unique unique (tenant_id, external_key)
);
create index directory_user_order on directory_user (tenant_id, created_at, id);
create index directory_user_logout_owed on directory_user (tenant_id, id) where logout_owed;
"
);

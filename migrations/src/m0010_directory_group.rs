//! SCIM groups of the directory.

crate::table!(
    "m0010_directory_group",
    r"
create table directory_group (
    tenant_id uuid not null constraint directory_group_tenant_fk references tenant (id) on delete cascade,
    id uuid not null,
    document text not null,
    version bigint not null,
    display_key text,
    external_key text,
    created_at bigint not null,
    modified_at bigint not null,
    write_until bigint,
    write_epoch bigint not null default 0,
    constraint directory_group_pk primary key (tenant_id, id),
    constraint directory_group_display_unique unique (tenant_id, display_key),
    constraint directory_group_external_unique unique (tenant_id, external_key)
);
create index directory_group_order on directory_group (tenant_id, created_at, id);
"
);

//! Inbound settings of a tenant, with safe defaults; a missing row means the defaults.

crate::table!(
    "m0003_tenant_option",
    r"
create table tenant_option (
    tenant_id uuid not null constraint tenant_option_pk primary key
        constraint tenant_option_tenant_fk references tenant (id) on delete cascade,
    idp_profile text not null default 'auto',
    strict_members boolean not null default false,
    existing_users text not null default 'refuse',
    allow_rename boolean not null default true,
    token_days bigint,
    requests_per_second bigint
);
"
);

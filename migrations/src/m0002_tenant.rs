//! Tenants: one customer, one realm on one cluster.

crate::table!(
    "m0002_tenant",
    r"
create table tenant (
    id uuid not null constraint tenant_pk primary key,
    slug text not null constraint tenant_slug_unique unique,
    display_name text not null,
    realm text not null,
    cluster_id uuid not null constraint tenant_cluster_fk references cluster (id),
    custom_domain text constraint tenant_custom_domain_unique unique,
    realm_generation bigint not null default 1,
    version bigint not null default 1,
    created_at bigint not null,
    updated_at bigint not null,
    constraint tenant_realm_unique unique (cluster_id, realm)
);
"
);

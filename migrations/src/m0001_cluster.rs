//! Clusters: a host group with its own Keycloak (or none: the embedded realm).

crate::table!(
    "m0001_cluster",
    r"
create table cluster (
    id uuid not null constraint cluster_pk primary key,
    name text not null constraint cluster_name_unique unique,
    public_host text not null constraint cluster_public_host_unique unique,
    keycloak_url text,
    created_at bigint not null
);
"
);

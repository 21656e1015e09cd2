//! People of the embedded realm: the stand-in for a Keycloak realm's users where there is no Keycloak.

crate::table!(
    "m0017_realm_person",
    r"
create table realm_person (
    tenant_id uuid not null constraint realm_person_tenant_fk references tenant (id) on delete cascade,
    id uuid not null,
    username text not null,
    email text,
    first_name text,
    last_name text,
    enabled boolean not null,
    external_id text,
    marker text,
    managed boolean not null default false,
    changed_at bigint not null,
    touched_at bigint not null default 0,
    sessions_ended_at bigint,
    constraint realm_person_pk primary key (tenant_id, id),
    constraint realm_person_username_unique unique (tenant_id, username),
    constraint realm_person_email_unique unique (tenant_id, email)
);
create index realm_person_changed on realm_person (tenant_id, changed_at);
"
);

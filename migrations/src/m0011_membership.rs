//! Group memberships as rows, changed by deltas (K7).

crate::table!(
    "m0011_membership",
    r"
create table membership (
    tenant_id uuid not null,
    group_id uuid not null,
    user_id uuid not null,
    desired boolean not null,
    state text not null,
    changed_at bigint not null,
    constraint membership_pk primary key (tenant_id, group_id, user_id),
    constraint membership_group_fk foreign key (tenant_id, group_id)
        references directory_group (tenant_id, id) on delete cascade
);
create index membership_user on membership (tenant_id, user_id);
"
);

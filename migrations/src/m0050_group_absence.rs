//! Groups a realm did not find, like its users; and whether it said that a group was deleted, which is believed at once.

crate::table!(
    "m0050_group_absence",
    r"
create table group_absence (
    tenant_id uuid not null constraint group_absence_tenant_fk references tenant (id) on delete cascade,
    group_id uuid not null,
    at bigint not null,
    seen_at bigint not null,
    confirmed_at bigint,
    constraint group_absence_pk primary key (tenant_id, group_id)
);
create index group_absence_at on group_absence (at);
alter table directory_group add column delete_seen boolean not null default false;
"
);

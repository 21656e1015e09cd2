//! Groups have their part of a backfill, after its users: a cursor and counts of their own.

crate::table!(
    "m0055_backfill_group",
    r"
alter table backfill add column group_reach uuid;
alter table backfill add column group_total bigint;
alter table backfill add column group_seen bigint not null default 0;
alter table backfill add column group_creates bigint not null default 0;
alter table backfill add column group_updates bigint not null default 0;
alter table backfill add column group_in_step bigint not null default 0;
alter table backfill add column group_conflicts bigint not null default 0;
"
);

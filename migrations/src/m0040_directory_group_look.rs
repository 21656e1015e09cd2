//! Groups that may have changed in the realm: since when somebody is to look at them.

crate::table!(
    "m0040_directory_group_look",
    r"
alter table directory_group add column look_at bigint;
create index directory_group_look on directory_group (look_at) where look_at is not null;
"
);

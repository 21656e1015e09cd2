//! Import, compare and set-up of one realm: how far each is, and who is at it.

crate::table!(
    "m0027_realm_watch_work",
    r"
alter table realm_watch add column import_started_at bigint;
alter table realm_watch add column imported bigint not null default 0;
alter table realm_watch add column compare_wanted boolean not null default false;
alter table realm_watch add column reread_at bigint;
alter table realm_watch add column idle_polls bigint not null default 0;
alter table realm_watch add column newest_event text;
alter table realm_watch add column check_at bigint;
alter table realm_watch add column setup_until bigint;
alter table realm_watch add column setup_epoch bigint not null default 0;
create index realm_watch_uuid on realm_watch (realm_uuid);
"
);

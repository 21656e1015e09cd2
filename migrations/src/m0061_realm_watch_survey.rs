//! Import and compare of one realm by a claim of their own, beside the poll's; when events were read last, up to when a compare
//! is wanted, and when the one began that ended last.

crate::table!(
    "m0061_realm_watch_survey",
    r"
alter table realm_watch add column polled_at bigint;
alter table realm_watch add column survey_epoch bigint not null default 0;
alter table realm_watch add column survey_until bigint;
alter table realm_watch add column survey_at bigint;
alter table realm_watch add column survey_failures bigint not null default 0;
alter table realm_watch add column compare_wanted_at bigint;
alter table realm_watch add column compare_from bigint;
"
);

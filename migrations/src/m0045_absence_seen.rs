//! When a realm last did not find a user, beside since when; and when a person said that it is gone. An absence that is
//! looked at again and again counts with the others of its mass for as long as it lasts.

crate::table!(
    "m0045_absence_seen",
    r"
alter table absence add column seen_at bigint;
alter table absence add column confirmed_at bigint;
"
);

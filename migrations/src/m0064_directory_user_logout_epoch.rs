//! Which claim a user owes a log-out for: a request that is refused owes none, and what an earlier one owes stays owed.

crate::table!(
    "m0064_directory_user_logout_epoch",
    r"
alter table directory_user add column logout_epoch bigint;
"
);

//! What a claim is for: whether whoever has it may write to the realm, which one a log-out is owed for (a request that is refused
//! owes none, and what an earlier one owes stays owed), and when SCIM switched a user on last.

crate::table!(
    "m0064_directory_claim",
    r"
alter table directory_user add column writing boolean;
alter table directory_user add column logout_epoch bigint;
alter table directory_user add column scim_enabled_at bigint;
alter table directory_group add column writing boolean;
"
);

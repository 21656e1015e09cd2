//! When SCIM switched a user off last, until it switches the user on, or somebody else has and that was told.

crate::table!(
    "m0063_directory_user_switched_off",
    r"
alter table directory_user add column scim_disabled_at bigint;
"
);

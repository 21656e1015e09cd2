//! Until when the write of somebody whose claim ran out may still arrive. What it did is followed like anybody's, until a later
//! write was confirmed: from then on it comes too late.

crate::table!(
    "m0064_directory_user_late",
    r"
alter table directory_user add column late_until bigint;
"
);

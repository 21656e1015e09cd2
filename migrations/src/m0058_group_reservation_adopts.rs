//! A create of a group that takes over one which was in the realm before.

crate::table!(
    "m0058_group_reservation_adopts",
    r"
alter table group_reservation add column adopts boolean not null default false;
"
);

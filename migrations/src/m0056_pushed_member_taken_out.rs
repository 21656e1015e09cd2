//! Who was taken out of a group downstream while a late write may still put them back, and whose claim takes them out.

crate::table!(
    "m0056_pushed_member_taken_out",
    r"
alter table pushed_member add column taken_out boolean not null default false;
alter table pushed_member add column leaving_epoch bigint;
"
);

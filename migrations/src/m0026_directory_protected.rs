//! Users and groups with administrative roles in the realm are neither shown nor changed.

crate::table!(
    "m0026_directory_protected",
    r"
alter table directory_user add column protected boolean not null default false;
alter table directory_group add column protected boolean not null default false;
"
);

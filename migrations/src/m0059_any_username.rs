//! Whether a tenant's realm takes usernames of any script and characters.

crate::table!(
    "m0059_any_username",
    r"
alter table tenant_option add column any_username boolean not null default false;
"
);

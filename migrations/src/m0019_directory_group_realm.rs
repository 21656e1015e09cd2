//! What a group's writes need beside the document: its name, the name as the realm last returned it, the marker's nonce,
//! and whether SCIM made it.

crate::table!(
    "m0019_directory_group_realm",
    r"
alter table directory_group add column display_name text;
alter table directory_group add column base text;
alter table directory_group add column nonce uuid;
alter table directory_group add column adopted boolean not null default false;
alter table directory_group add column realm_doubt_until bigint;
"
);

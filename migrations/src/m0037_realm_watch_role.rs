//! Which realm role marks those whom SCIM manages, and whether it has to be given back to them because it was made anew.

crate::table!(
    "m0037_realm_watch_role",
    r"
alter table realm_watch add column role_id uuid;
alter table realm_watch add column regrant boolean not null default false;
"
);

//! A tenant's own schema extensions (a JSON array), whether pushed passwords reach the realm, and the key its cursors are
//! signed with.

crate::table!(
    "m0022_tenant_option_schemas",
    r"
alter table tenant_option add column extensions text;
alter table tenant_option add column password_sync boolean not null default false;
alter table tenant add column cursor_key bytea;
"
);

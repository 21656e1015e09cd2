//! Users are looked up by e-mail address (Entra's matching attribute): the realm's one has a column of its own, further
//! ones stand in a second, `|a|b|`. Rows from before are marked `*`: they may hold any, and are looked into.

crate::table!(
    "m0018_directory_user_email",
    r"
alter table directory_user add column email_key text;
alter table directory_user add column other_email_keys text default '*';
create index directory_user_email on directory_user (tenant_id, email_key);
create index directory_user_other_emails on directory_user (tenant_id) where other_email_keys is not null;
create index directory_user_modified on directory_user (tenant_id, modified_at);
"
);

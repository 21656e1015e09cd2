//! Who asked (the product an identity provider names itself), and what the other side said of an error, redacted.

crate::table!(
    "m0024_activity_detail",
    r"
alter table activity add column client text;
alter table activity add column detail text;
create index activity_trace on activity (tenant_id, trace_id);
create index activity_user on activity (tenant_id, user_id, at);
"
);

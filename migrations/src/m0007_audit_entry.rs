//! Who did what when; written in the transaction of the change it tells of.

crate::table!(
    "m0007_audit_entry",
    r"
create table audit_entry (
    id uuid not null constraint audit_entry_pk primary key,
    tenant_id uuid,
    at bigint not null,
    actor text not null,
    action text not null,
    detail text not null
);
create index audit_entry_tenant on audit_entry (tenant_id, at);
"
);

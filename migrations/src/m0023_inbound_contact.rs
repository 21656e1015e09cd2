//! The last accepted and the last refused request of a tenant's identity provider, for the console.

crate::table!(
    "m0023_inbound_contact",
    r"
create table inbound_contact (
    tenant_id uuid not null constraint inbound_contact_pk primary key
        constraint inbound_contact_tenant_fk references tenant (id) on delete cascade,
    accepted_at bigint,
    accepted_operation text,
    accepted_client text,
    rejected_at bigint,
    rejected_operation text,
    rejected_class text,
    rejected_reason text
);
"
);

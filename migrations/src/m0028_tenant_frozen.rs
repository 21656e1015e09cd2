//! A tenant that is being moved answers 503 until it has arrived (K30). Further attributes that are projected into the
//! realm: a JSON object from SCIM path to realm attribute.

crate::table!(
    "m0028_tenant_frozen",
    r"
alter table tenant add column frozen_at bigint;
alter table tenant_option add column projection text;
"
);

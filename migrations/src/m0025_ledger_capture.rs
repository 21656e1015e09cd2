//! What capture knows of a mark beside its number: roles may have changed, a DELETE event was seen.

crate::table!(
    "m0025_ledger_capture",
    r"
alter table ledger add column check_roles boolean not null default false;
alter table ledger add column delete_seen boolean not null default false;
create index ledger_gone on ledger (tenant_id, gone_at) where gone_at is not null;
"
);

//! A parked user: since when, by which status, whether somebody chose to leave it so (`ignored`) or to let a held change
//! go (`released`). And one tenant's due rows by an index of their own, so that nobody's backlog is read to find another's.

crate::table!(
    "m0031_ledger_parked",
    r"
alter table ledger add column parked_at bigint;
alter table ledger add column parked_status bigint;
alter table ledger add column ignored boolean not null default false;
alter table ledger add column released boolean not null default false;
update ledger set parked_at = dirty_at where next_at = 9223372036854775807;
create index ledger_parked on ledger (tenant_id, user_id) where parked_at is not null;
create index ledger_send_turn on ledger (tenant_id, lane, next_at) where owed_seq > acked_seq;
create index ledger_triage_turn on ledger (tenant_id, lane, triage_at) where dirty_seq > seen_seq;
"
);

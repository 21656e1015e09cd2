//! Until when a write nobody waits for may still arrive: what is acknowledged before is asserted once more (K18).

crate::table!("m0029_ledger_assert", "alter table ledger add column assert_at bigint");

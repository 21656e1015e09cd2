//! The ledger without indexes that nobody reads by any more. What is due is found tenant by tenant, by the turns of each; who is
//! being sent is among who is owed something. An index over leases had each claim and each renewal written to every other one.

crate::table!(
    "m0060_ledger_fewer_indexes",
    r"
drop index ledger_triage;
drop index ledger_due;
drop index ledger_leases;
drop index group_ledger_leases;
"
);

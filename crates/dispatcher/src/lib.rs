//! The outbound role: ledger to downstream, and the realm's changes to the ledger.

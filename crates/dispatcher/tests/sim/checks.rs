//! What must hold: of every step of a row, and of every world at rest.

use directory::ledger::protocol::{Effect, Event, NEVER, State, Verdict};

use crate::world::{Account, Tenant, Violation, hold};

/// Of every step the protocol takes.
pub fn transition(before: &State, event: Event, after: &State, effect: Effect) -> Result<(), Violation> {
    let ordered = after.acked_seq <= after.owed_seq
        && after.owed_seq <= after.dirty_seq
        && after.seen_seq <= after.dirty_seq
        && after.settled_epoch <= after.epoch
        && after.reassert_seq.is_none_or(|seq| seq <= after.dirty_seq);
    hold(ordered, "a row's numbers are out of order")?;
    let risen = after.dirty_seq >= before.dirty_seq
        && after.seen_seq >= before.seen_seq
        && after.acked_seq >= before.acked_seq
        && after.epoch >= before.epoch;
    hold(risen, "a row's number went back")?;
    let acknowledged = after.acked_seq >= before.dirty_seq;
    hold(acknowledged || after.lane <= before.lane, "a lane fell while its row was dirty (K19)")?;
    let clean = after.acked_seq == after.dirty_seq && after.seen_seq == after.dirty_seq;
    hold(!clean || after.lane == State::first(0).lane, "a clean row stayed in the urgent lane")?;
    let Event::Sent { epoch, seq, verdict, .. } = event else { return Ok(()) };
    let unseen = before.dirty_seq > before.seen_seq;
    hold(!unseen || after.triage_at <= before.triage_at.max(0), "a send put an unseen mark off")?;
    if effect == Effect::Stale {
        let harmless = !matches!(verdict, Verdict::Done | Verdict::Retry { definite: false, .. });
        return hold(
            harmless || after.dirty_seq > before.dirty_seq || epoch == before.epoch,
            "a late writer left a row clean (K18)",
        );
    }
    if before.dirty_seq != seq && verdict != Verdict::Done {
        let kept = after.next_at == before.next_at && after.attempts == before.attempts;
        hold(kept, "a verdict counted for a mark it was not made for (K19)")?;
    }
    let doubtful = before.settled_epoch < before.epoch - 1;
    hold(!doubtful || verdict == Verdict::Done || after.in_doubt(), "doubt was lost without an acknowledgement (K17)")
}

/// Of a user in a world at rest.
pub fn at_rest(tenant: &Tenant, account: &Account, place: u8) -> Result<(), Violation> {
    let row = &account.ledger;
    hold(row.seen_seq == row.dirty_seq, "a mark was never triaged (I6)")?;
    if let (Some(entry), Some(person)) = (account.entry, account.person) {
        hold(entry.document == person, "the directory does not follow the realm (K10)")?;
    }
    if !tenant.target.active || tenant.target.quarantined {
        return Ok(());
    }
    let Some(person) = account.person else {
        return hold(!row.owed(), "the ledger is not clean (I6)");
    };
    if row.owed() && row.next_at == NEVER {
        return hold(account.parked_for == Some(person), "a user is parked for what it no longer is (K19)");
    }
    hold(row.acked_seq == row.dirty_seq, "the ledger is not clean (I6)")?;
    let mut records = tenant.application.of(place);
    let record = records.next();
    hold(records.next().is_none(), "one user has two records (I2)")?;
    match record {
        Some(record) => hold(record.person == person, "the downstream differs from the realm (I1)"),
        None => hold(account.exempt.contains(&Some(person)), "the downstream lacks a user (I1)"),
    }
}

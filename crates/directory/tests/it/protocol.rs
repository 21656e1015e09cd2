//! Interleavings that once hurt, each as short as the exploration found it.

use directory::ledger::protocol::{Effect, Event, LEASE, NEVER, NORMAL, REASSERT_AFTER, Stage, State, URGENT, Verdict};

const NOW: i64 = 1_000_000_000;
const LOST: Verdict = Verdict::Retry { after: 0, definite: false, charged: true };
const REFUSED: Verdict = Verdict::Retry { after: 0, definite: true, charged: true };

fn step(state: &mut State, event: Event) -> Effect {
    let (next, effect) = state.clone().step(event);
    *state = next;
    effect
}

fn mark(state: &mut State, now: i64, urgent: bool) {
    step(state, Event::Mark { now, urgent, reassert: false });
}

fn look(state: &mut State, now: i64, differs: bool) {
    assert!(matches!(step(state, Event::Claim { now, stage: Stage::Triage }), Effect::Claimed { .. }));
    let (epoch, seq) = (state.epoch, state.dirty_seq);
    step(state, Event::Triaged { epoch, seq, now, differs, urgent: false });
}

/// Begins a send: epoch, seq and whether it is in doubt.
fn begin(state: &mut State, now: i64) -> (i64, i64, bool) {
    let Effect::Claimed { doubt } = step(state, Event::Claim { now, stage: Stage::Send }) else { panic!("not due") };
    (state.epoch, state.dirty_seq, doubt)
}

fn end(state: &mut State, now: i64, (epoch, seq, doubt): (i64, i64, bool), verdict: Verdict) {
    step(state, Event::Sent { epoch, seq, doubt, now, verdict });
}

/// Marked and found to differ.
fn owed() -> State {
    let mut state = State::first(NOW);
    mark(&mut state, NOW, false);
    look(&mut state, NOW, true);
    state
}

#[test]
fn only_an_acknowledgement_ends_doubt() {
    for verdict in [REFUSED, Verdict::Park] {
        let mut state = owed();
        let round = begin(&mut state, NOW);
        end(&mut state, NOW, round, LOST);
        let round = begin(&mut state, NOW);
        assert!(round.2);
        end(&mut state, NOW, round, verdict);
        mark(&mut state, NOW, false);
        look(&mut state, NOW, true);
        assert!(begin(&mut state, NOW).2, "after {verdict:?} the lost write is as unknown as before");
    }
}

#[test]
fn a_change_during_a_doubtful_round_is_not_put_off_by_its_acknowledgement() {
    let mut state = owed();
    begin(&mut state, NOW);
    let round = begin(&mut state, NOW + LEASE);
    mark(&mut state, NOW + LEASE, true);
    end(&mut state, NOW + LEASE, round, Verdict::Done);
    assert!(state.triage_at <= NOW + LEASE, "a deactivation does not wait for an assertion");
}

#[test]
fn what_is_acknowledged_while_a_late_write_may_come_is_asserted_after_it() {
    let mut state = owed();
    let round = begin(&mut state, NOW);
    end(&mut state, NOW, round, LOST);
    let round = begin(&mut state, NOW);
    end(&mut state, NOW, round, Verdict::Done);
    // A change comes before the assertion is due and is acknowledged at once.
    mark(&mut state, NOW + 1, false);
    look(&mut state, NOW + 1, true);
    let round = begin(&mut state, NOW + 1);
    end(&mut state, NOW + 1, round, Verdict::Done);
    assert!(state.reasserts() && state.triage_at == NOW + REASSERT_AFTER, "{state:?}");
    look(&mut state, NOW + REASSERT_AFTER, false);
    let round = begin(&mut state, NOW + REASSERT_AFTER);
    end(&mut state, NOW + REASSERT_AFTER, round, Verdict::Done);
    assert!(!state.owed() && state.acked_seq == state.dirty_seq, "once is enough: {state:?}");
}

#[test]
fn an_assertion_that_begins_too_early_is_asserted_once_more_however_long_it_takes() {
    let mut state = owed();
    let round = begin(&mut state, NOW);
    end(&mut state, NOW, round, LOST);
    let round = begin(&mut state, NOW);
    end(&mut state, NOW, round, Verdict::Done);
    let at = NOW + REASSERT_AFTER;
    // A change makes it look before its time, and it ends after it.
    mark(&mut state, at - 1, false);
    look(&mut state, at - 1, true);
    let round = begin(&mut state, at - 1);
    end(&mut state, at + 1, round, Verdict::Done);
    assert!(state.reasserts() && state.triage_at == at + 1, "{state:?}");
    look(&mut state, at + 1, false);
    let round = begin(&mut state, at + 1);
    assert!(state.assert_at.is_none(), "no late write can come any more: {state:?}");
    end(&mut state, at + 1, round, Verdict::Done);
    assert!(state.acked_seq == state.dirty_seq, "once is enough: {state:?}");
}

#[test]
fn a_late_writer_whose_write_may_still_be_on_its_way_is_asserted_over_twice() {
    let mut state = owed();
    let late = begin(&mut state, NOW);
    let round = begin(&mut state, NOW + LEASE);
    end(&mut state, NOW + LEASE, round, Verdict::Done);
    let now = NOW + LEASE + REASSERT_AFTER;
    end(&mut state, now, late, LOST);
    look(&mut state, now, false);
    let round = begin(&mut state, now);
    end(&mut state, now, round, Verdict::Done);
    assert!(state.reasserts() && state.triage_at == now + REASSERT_AFTER, "{state:?}");
}

#[test]
fn what_a_send_has_answered_for_is_no_longer_observed() {
    let mut state = owed();
    assert!(state.observes(2) && !state.observes(0));
    mark(&mut state, NOW, false);
    let round = begin(&mut state, NOW);
    end(&mut state, NOW, round, Verdict::Done);
    assert!(!state.observes(2), "the user may have changed after the send, and that change has its own mark");
    look(&mut state, NOW, true);
    assert!(!state.owed());
}

#[test]
fn an_assertion_lifts_a_parking_once() {
    let mut state = owed();
    step(&mut state, Event::Mark { now: NOW, urgent: false, reassert: true });
    look(&mut state, NOW, false);
    let round = begin(&mut state, NOW);
    end(&mut state, NOW, round, Verdict::Park);
    // The user logs in: nothing differs.
    mark(&mut state, NOW, false);
    look(&mut state, NOW, false);
    assert_eq!(state.next_at, NEVER);
}

#[test]
fn a_row_that_owes_nothing_is_in_no_hurry() {
    let mut state = State::first(NOW);
    mark(&mut state, NOW, true);
    assert_eq!(state.lane, URGENT);
    look(&mut state, NOW, false);
    assert_eq!(state.lane, NORMAL);
}

/// Looked at, and not done.
const LOOKED: Verdict = Verdict::Looked { after: 0, charged: false };

#[test]
fn a_look_ends_doubt_for_the_rounds_after_it_and_is_repeated_when_a_late_write_has_come() {
    let mut state = owed();
    let round = begin(&mut state, NOW);
    end(&mut state, NOW, round, LOST);
    for rest in 0..3 {
        let round = begin(&mut state, NOW);
        assert_eq!((round.2, state.reasserts()), (rest == 0, false));
        end(&mut state, NOW, round, LOOKED);
    }
    // It takes longer than the late write can.
    let late = NOW + 2 * REASSERT_AFTER;
    let round = begin(&mut state, late);
    end(&mut state, late, round, Verdict::Done);
    assert!(state.reasserts() && state.triage_at == late, "{state:?}");
    look(&mut state, late, false);
    let round = begin(&mut state, late);
    end(&mut state, late, round, LOOKED);
    let round = begin(&mut state, late);
    assert!(!round.2 && !state.reasserts());
    end(&mut state, late, round, Verdict::Done);
    assert!(!state.owed() && state.acked_seq == state.dirty_seq, "once is enough: {state:?}");
}

#[test]
fn a_look_that_was_asked_for_meanwhile_is_still_to_come() {
    let mut state = owed();
    let round = begin(&mut state, NOW);
    step(&mut state, Event::Mark { now: NOW, urgent: false, reassert: true });
    end(&mut state, NOW, round, LOOKED);
    assert!(state.reasserts());
}

//! Negative controls of outbound: with one rule switched off the exploration of some small world must fail, and by what the
//! rule is there to prevent.

use crate::rules::{Rule, Rules};
use crate::small::{Small, told};

/// Explores without a rule; the failure has to say this.
fn fails(rule: Rule, small: Small, sentence: &str) {
    let Some(failure) = small.explored(Rules::without(rule)).failure else {
        panic!("{rule:?} is switched off without being missed");
    };
    println!("without {rule:?}: {}", told(&failure));
    assert!(failure.0.0.contains(sentence), "{rule:?} is missed by something else: {}", told(&failure));
}

controls! {
    a_triage_that_obeys_the_target_sees_nothing_of_a_quarantined_one: TriageIgnoresTarget, Small::Quarantine, "I6";
    without_the_fence_an_old_read_overwrites_a_newer_write: Fence, Small::Inbound, "K11";
    without_the_base_a_document_changes_by_itself: Base, Small::Inbound, "K12";
    a_seq_read_after_the_user_acknowledges_what_was_never_sent: SeqBeforeRead, Small::Changes, "I1";
    a_look_that_goes_on_over_a_mark_sends_what_was: GoOnUnmarked, Small::Changes, "I1";
    an_older_generation_that_records_leaves_a_workspace_without_its_user: Generation, Small::Workspace, "I1";
    a_send_that_ignores_a_pause_calls_a_target_that_asked_us_to_wait: Pause, Small::Refused, "K16";
    a_send_that_does_not_say_what_it_saw_lets_a_return_go_unseen: SendObserves, Small::Changes, "I1";
    without_doubt_a_lost_reply_leaves_the_downstream_on: Doubt, Small::Faults, "I1";
    doubt_that_a_refusal_ends_is_lost: DoubtStays, Small::Faults, "K17";
    without_an_assertion_a_late_write_stands: Reassert, Small::Freeze, "K18";
    an_assertion_before_its_time_is_too_early_for_a_slow_write: AssertWindow, Small::Faults, "I1";
    an_assertion_that_does_not_read_cannot_remove: AssertReads, Small::FreezeName, "I1";
    a_verdict_for_another_seq_delays_what_it_does_not_know: VerdictOfSeq, Small::Refused, "K19";
    without_the_intent_a_create_is_repeated: CreateIntent, Small::Create, "I2";
    without_look_ups_a_repeated_create_makes_two: UnconfirmedParks, Small::BlindCreate, "I2";
    an_unverified_link_leads_to_a_stranger: VerifyLink, Small::Workspace, "K22";
    an_enable_that_forgets_loses_who_was_owed: EnableKeeps, Small::SwitchFresh, "I1";
    an_enable_that_takes_a_write_for_what_was_there_swallows_it: AcceptedIsPushed, Small::FirstEnableInbound, "I1";
    a_disable_that_does_not_wait_is_followed_by_a_write: DisableDrains, Small::Switch, "K25";
}

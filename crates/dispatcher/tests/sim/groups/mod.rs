//! Groups beside users: members who join and leave, groups that are renamed and deleted, users who get a record only later,
//! in random worlds where every call can fail, workers freeze and die, and the target is switched off and on. Afterwards the
//! memberships downstream are the directory's, no group is there twice, and nobody else was touched.

mod application;
mod members;
mod round;
mod seeds;
mod world;

use crate::rules::{Rule, Rules};

/// `SIM_SEEDS` says how many, `SIM_SEED` runs one alone.
#[test]
fn random_worlds_of_groups_heal_whatever_happened_to_them() {
    if let Some(failure) = seeds::first_failure(crate::seeds::wished(), Rules::default()) {
        panic!("{failure}");
    }
}

/// With a rule switched off some seed must fail, by what the rule is there to prevent.
fn fails(rule: Rule, sentence: &str) {
    let failures = (0..300_000).filter_map(|seed| seeds::run(seed, Rules::without(rule)).err());
    let found = failures.take(200).find(|failure| failure.violation.0.contains(sentence));
    let Some(failure) = found else { panic!("{rule:?} is switched off without being missed") };
    println!("without {rule:?}: {failure}");
}

controls! {
    members_who_are_not_noted_before_a_call_stay_in_a_group_they_left: NoteMembers, "who left it (I1)";
    a_group_in_doubt_that_is_not_looked_at_keeps_what_a_lost_reply_did: LookInDoubt, "called otherwise (I1)";
    a_member_whose_record_is_not_verified_is_a_stranger: VerifyMember, "a stranger joined a group (K22)";
    a_user_whose_record_comes_later_is_missing_where_no_group_is_told: JoinMarks, "a member is missing (I1)";
    what_changed_while_no_groups_were_pushed_is_lost_without_a_mark: ChoiceMarks, "(I1)";
    a_name_that_a_failed_round_forgets_is_not_taken_back: KeepName, "called otherwise (I1)";
    a_record_that_is_gone_and_not_doubted_is_never_made_anew: GoneIsDoubt, "the downstream lacks a group (I1)";
    a_record_that_is_found_and_not_remembered_keeps_its_members: FoundIsSafe, "a deleted group holds somebody (I1)";
    a_group_too_long_for_one_round_that_is_looked_at_in_each_never_ends: LookCounts, "does not come to rest";
    a_late_addition_that_nobody_notes_stands_where_nobody_can_look: NoteLate, "who left it (I1)";
    whoever_an_application_does_not_show_stands_there_all_the_same: HiddenStands, "who left it (I1)";
    a_member_whose_record_cannot_be_read_keeps_its_group_waiting: MembersOwnTrouble, "does not come to rest";
    a_late_write_from_before_an_enable_stands: LateEnable, "(I1)";
    whoever_was_taken_out_too_early_comes_back_by_a_late_write: TakenOutAgain, "who left it (I1)";
    a_late_write_whose_confirmation_is_refused_stands: AwayIsDoubt, "(I1)";
    without_the_intent_a_group_is_made_twice: CreateIntent, "one group has two records (I2)";
    without_an_assertion_a_late_write_to_a_group_stands: Reassert, "(I1)";
    without_doubt_a_lost_reply_leaves_a_group_as_it_was: Doubt, "(I1)";
}

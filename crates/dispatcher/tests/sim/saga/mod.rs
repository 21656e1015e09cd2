//! The inbound saga as a model: claim → realm calls → commit, and reservation → create → row, with two requests, a
//! sweeper and triage, every crash and every realm write whose fate is unknown (K1–K5). Modelled after the gateway's
//! `write`, with its own small search.

mod model;
mod step;

use std::collections::{HashSet, VecDeque};

use model::{Action, Rule, Saga};

/// Explores a saga; the first failure with the shortest way to it.
fn explore(first: &Saga) -> Result<usize, String> {
    let mut seen = HashSet::from([first.clone()]);
    let mut steps = vec![(0, None)];
    let mut queue = VecDeque::from([0]);
    let mut worlds = vec![first.clone()];
    while let Some(place) = queue.pop_front() {
        let actions = worlds[place].actions();
        // What others may still do is not owed by anybody.
        if actions.iter().all(|action| matches!(action, Action::Admin | Action::Rotate)) {
            worlds[place].at_rest().map_err(|sentence| told(&steps, place, None, &sentence))?;
        }
        for action in actions {
            let mut next = worlds[place].clone();
            next.act(action).map_err(|sentence| told(&steps, place, Some(action), &sentence))?;
            if seen.insert(next.clone()) {
                worlds.push(next);
                steps.push((place, Some(action)));
                queue.push_back(worlds.len() - 1);
            }
        }
    }
    Ok(worlds.len())
}

/// A sentence, and the way to what it says.
fn told(steps: &[(usize, Option<Action>)], mut place: usize, last: Option<Action>, sentence: &str) -> String {
    let mut way: Vec<String> = last.iter().map(|action| format!("  {action:?}")).collect();
    while let (before, Some(action)) = steps[place] {
        way.push(format!("  {action:?}"));
        place = before;
    }
    way.reverse();
    format!("{sentence}\n{}", way.join("\n"))
}

#[test]
fn two_writes_an_admin_and_a_crash_end_in_one_truth() {
    for saga in Saga::all(None) {
        match explore(&saga) {
            Ok(worlds) => println!("{:?}: {worlds} worlds", saga.requests),
            Err(told) => panic!("{told}"),
        }
    }
}

fn fails(rule: Rule, sentence: &str) {
    let Some(failure) = Saga::all(Some(rule)).iter().find_map(|saga| explore(saga).err()) else {
        panic!("{rule:?} is switched off without being missed");
    };
    println!("without {rule:?}: {failure}");
    assert!(failure.contains(sentence), "{rule:?} is missed by something else: {failure}");
}

macro_rules! controls {
    ($($name:ident: $rule:ident, $sentence:literal;)*) => {
        $(
            #[test]
            fn $name() {
                fails(Rule::$rule, $sentence);
            }
        )*
    };
}

controls! {
    without_the_write_lease_two_puts_overlap: OneWriter, "K1";
    a_claim_that_does_not_ask_for_the_token_lets_a_dead_one_in: LivingToken, "K1";
    without_a_reservation_a_crash_leaves_a_user_without_a_row: Reservation, "K2";
    without_the_nonce_a_stranger_is_adopted: Nonce, "K2";
    a_put_of_the_directorys_copy_undoes_an_admins_edit: FreshRead, "K3";
    a_deactivation_that_believes_the_directory_leaves_the_user_on: AlwaysOff, "K4";
    without_an_owed_log_out_a_crash_leaves_sessions: OwedLogout, "K4";
    an_ambiguous_write_that_frees_its_lease_meets_the_next_one: AmbiguousKeepsLease, "K5";
}

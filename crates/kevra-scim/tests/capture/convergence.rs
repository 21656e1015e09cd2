//! Random edits from both sides while everything is killed: afterwards directory, realm and downstream agree.
//!
//! `KEVRA_TEST_EDITS=2000` for a long run (`just converge`); `KEVRA_TEST_SEED` repeats the edits of a run, though not their
//! interleaving.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use testkit::{eventually, keycloak, servers};

use crate::edits::{Editor, Known};
use crate::people::{difference, downstream, in_directory, in_realm};
use crate::stage::Stage;

/// Of a short run.
const EDITS: usize = 240;
/// How long agreement may take after the last edit: a lease, an assertion in doubt, and back-off.
const SETTLING: Duration = Duration::from_mins(3);

#[test]
fn directory_realm_and_downstream_agree_after_random_edits_and_kills() {
    let edits = servers::wish("KEVRA_TEST_EDITS").unwrap_or(EDITS);
    let seed = servers::wish("KEVRA_TEST_SEED").unwrap_or_else(rand::random);
    println!("{edits} edits, KEVRA_TEST_SEED={seed}");
    let mut stage = Stage::hearing();
    let mut replica = stage.installation.start("dispatcher");
    stage.realm.make_app();
    stage.push_groups();
    let known = Known::default();
    let begun = Instant::now();
    {
        let (gateway, token) = (stage.gateway.url.clone(), stage.token.clone());
        let editor = |side, seed| Editor::new(side, seed, &stage.realm, &known, &gateway, &token);
        let mut first = editor("first", seed);
        (0..edits / 10).for_each(|_| first.make_user());
        (0..edits / 100).for_each(|_| first.make_group());
        println!("made after {:?}", begun.elapsed());
        let done = AtomicUsize::new(0);
        let count = || done.fetch_add(1, Ordering::SeqCst);
        let count = &count;
        std::thread::scope(|scope| {
            let (mut provider, mut admin) = (editor("scim", seed ^ 1), editor("admin", seed ^ 2));
            let sides = [
                scope.spawn(move || {
                    for _ in 0..edits / 2 {
                        provider.push();
                        count();
                    }
                }),
                scope.spawn(move || {
                    for _ in 0..edits / 2 {
                        admin.edit();
                        count();
                    }
                }),
            ];
            let reached = |part: usize| {
                let wanted = edits * part / 100;
                let over = || sides.iter().any(std::thread::ScopedJoinHandle::is_finished);
                let there = || (over() || done.load(Ordering::SeqCst) >= wanted).then_some(());
                assert!(eventually(Duration::from_mins(20), there).is_some(), "the edits stand still");
            };
            let rounds = 1 + edits / 1_000;
            for round in 0..rounds {
                let at = |part: usize| reached((round * 100 + part) / rounds);
                at(15);
                stage.dispatcher.process.kill();
                at(25);
                stage.dispatcher.restart();
                at(35);
                stage.gateway.process.kill();
                stage.gateway.restart();
                at(50);
                keycloak::kill();
                keycloak::start();
                at(65);
                replica.process.kill();
                stage.gateway.process.kill();
                stage.gateway.restart();
                replica.restart();
            }
        });
    }
    println!("edited after {:?}", begun.elapsed());
    // What fires no event is the compare's to find.
    stage.installation.run(&["realm", "compare", "acme"]);
    agrees(&stage, "the first time");
    // And it stays so: nothing late is on its way. What was in doubt at the last is asserted half a minute later (K18).
    for ledger in ["ledger", "group_ledger"] {
        let open = format!(
            "select count(*) from {ledger} where dirty_seq > seen_seq or (owed_seq > acked_seq and reason is null)"
        );
        stage.settles_within(SETTLING, &open);
    }
    agrees(&stage, "and stays so");
    println!("agreed after {:?}", begun.elapsed());
}

fn agrees(stage: &Stage, when: &str) {
    let compare = || {
        let (everybody, managed) = in_realm(stage);
        let here = in_directory(stage);
        let there = downstream(stage, &everybody, &managed);
        let mut differs = difference(&managed.users, &here.users);
        differs.extend(difference(&managed.groups, &here.groups));
        differs.extend(difference(&everybody, &there.users));
        differs.extend(difference(&managed.groups, &there.groups));
        differs
    };
    let agreed = eventually(SETTLING, || compare().is_empty().then_some(()));
    assert!(
        agreed.is_some(),
        "{when}: realm / directory or downstream\n{:#?}\n{}",
        compare(),
        stage.installation.logs()
    );
}

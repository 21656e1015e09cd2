//! What a backfill waits for, and what it does not: a downstream that answers for nobody, and a record that fails alone.

use std::time::Duration;

use demo::sample_app::Manners;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::network::{Canned, Fault};

use crate::outbound_groups::stage::{SOON, Stage};

fn begin(stage: &Stage, dry_run: bool) {
    // What was enabled is compared first.
    let begun = eventually(SOON, || {
        let (status, _) = stage.control(Method::POST, "/outbound/backfill", Some(&json!({ "dry_run": dry_run })));
        (status == 202).then_some(())
    });
    assert!(begun.is_some(), "it did not begin");
}

fn now(stage: &Stage) -> Value {
    stage.control(Method::GET, "/outbound/backfill", None).1
}

fn done(stage: &Stage) -> [i64; 4] {
    let done = eventually(SOON, || Some(now(stage)).filter(|backfill| backfill["state"] == "done"));
    let done = done.unwrap_or_else(|| panic!("{}", now(stage)));
    ["seen", "create", "update", "in_step"].map(|name| done[name].as_i64().unwrap())
}

fn rehearsed(stage: &Stage) -> [i64; 4] {
    begin(stage, true);
    done(stage)
}

/// Whom the realm of a demo has before anybody comes, and who are not there downstream.
const OTHERS: i64 = 3;

#[test]
fn a_record_that_cannot_be_read_is_counted_and_pushed_and_the_backfill_goes_on() {
    let stage = Stage::without_groups(Manners::default());
    let everybody = stage.users(9);
    let all = 9 + OTHERS;
    assert_eq!(rehearsed(&stage), [all, OTHERS, 0, 9]);
    let broken = stage.theirs(&everybody[3]);
    for status in [403, 410, 500] {
        stage.app.app().breaks(broken.as_str().unwrap(), Some(status));
        assert_eq!(rehearsed(&stage), [all, OTHERS, 1, 8], "{status}");
    }
    begin(&stage, false);
    assert_eq!(done(&stage), [all, OTHERS, 1, 8]);
    // It is pushed all the same, and waits for the application.
    let waits = || {
        let (_, panel) = stage.control(Method::GET, "/identity-sync", None);
        (panel["outbound"]["health"]["waiting"] == 1).then_some(())
    };
    assert!(eventually(SOON, waits).is_some(), "{}", stage.control(Method::GET, "/identity-sync", None).1);
    stage.app.app().breaks(broken.as_str().unwrap(), None);
    let arrives = || {
        let (_, panel) = stage.control(Method::GET, "/identity-sync", None);
        (panel["outbound"]["health"]["waiting"] == 0).then_some(())
    };
    assert!(eventually(SOON, arrives).is_some());
    assert_eq!(rehearsed(&stage), [all, 0, 0, all]);
    // Who stands before the application may not know a record; that shows none to be gone.
    stage.network.next(Fault::Answer(Canned::Empty(404)), Some("GET"), 1);
    assert_eq!(rehearsed(&stage), [all, 0, 1, all - 1]);
}

#[test]
fn where_nobody_else_is_asked_for_a_probe_shows_that_it_is_one_record() {
    let stage = Stage::without_groups(Manners { filters: false, ..Manners::default() });
    let ada = stage.users(1);
    stage.app.app().breaks(stage.theirs(&ada[0]).as_str().unwrap(), Some(500));
    assert_eq!(rehearsed(&stage), [1 + OTHERS, OTHERS, 1, 0]);
}

#[test]
fn a_downstream_that_answers_for_nobody_is_waited_for_and_nobody_is_miscounted() {
    let stage = Stage::without_groups(Manners::default());
    stage.users(9);
    for fault in [Fault::Answer(Canned::Error(500)), Fault::Reset, Fault::Answer(Canned::Empty(404))] {
        stage.network.next(fault, None, usize::MAX);
        let asked = stage.network.requests().len();
        begin(&stage, true);
        assert!(eventually(SOON, || (stage.network.requests().len() > asked + 8).then_some(())).is_some());
        let _: Option<()> = eventually(Duration::from_secs(6), || None);
        assert_eq!((&now(&stage)["state"], &now(&stage)["seen"]), (&json!("running"), &json!(0)), "{fault:?}");
        stage.network.mend();
        assert_eq!(done(&stage), [9 + OTHERS, OTHERS, 0, 9], "{fault:?}");
    }
}

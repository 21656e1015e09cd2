//! Applications that answer as those in the field do: what we promise holds with them too.

use demo::sample_app::{Manners, Shows};
use reqwest::Method;
use serde_json::{Map, Value, json};
use testkit::eventually;
use testkit::network::{Canned, Fault};

use crate::outbound_groups::stage::{SOON, Stage};

/// An application with one user of ours, whose id it is.
fn with_ada(manners: Manners) -> (Stage, String) {
    let stage = Stage::without_groups(manners);
    let ada = stage.users(1).remove(0);
    (stage, ada)
}

fn switch(stage: &Stage, id: &str, on: bool) {
    stage.patch(&format!("/Users/{id}"), &json!([{ "op": "replace", "path": "active", "value": on }]));
}

fn until(stage: &Stage, name: &str, holds: impl Fn(&Map<String, Value>) -> bool) {
    let there = eventually(SOON, || stage.app.user(name).filter(|user| holds(user)));
    assert!(there.is_some(), "{:?}: {:?}", stage.app.user(name), stage.app.app().journal());
}

fn is_off(user: &Map<String, Value>) -> bool {
    user["active"] == json!(false)
}

/// Who waits for a person, and why.
fn parked(stage: &Stage) -> Vec<String> {
    let (_, page) = stage.control(Method::GET, "/outbound/parked", None);
    let users = page["users"].as_array().unwrap();
    users.iter().map(|user| user["reason"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_deactivation_arrives_though_its_user_is_deleted_before_that() {
    let stage = Stage::without_groups(Manners::default());
    let ids = stage.users(12);
    for id in &ids {
        switch(&stage, id, false);
        stage.delete(&format!("/Users/{id}"));
    }
    for number in 0..ids.len() {
        until(&stage, &format!("user-{number:03}"), is_off);
    }
}

#[test]
fn whoever_is_deleted_while_nobody_knows_whether_they_were_made_is_looked_for_and_switched_off() {
    for filters in [true, false] {
        let stage = Stage::without_groups(Manners { filters, ..Manners::default() });
        stage.network.next(Fault::LoseReply, Some("POST"), 1);
        // Nobody can look before the user is gone.
        stage.network.next(Fault::Answer(Canned::Error(503)), Some("GET"), 1_000);
        let eve = stage.user("eve");
        let made = eventually(SOON, || stage.app.user("eve"));
        assert!(made.is_some(), "{:?}", stage.app.app().journal());
        switch(&stage, &eve, false);
        stage.delete(&format!("/Users/{eve}"));
        stage.network.mend();
        until(&stage, "eve", is_off);
    }
}

#[test]
fn a_deactivation_that_waits_for_the_application_arrives_though_its_user_is_deleted_meanwhile() {
    let (stage, ada) = with_ada(Manners::default());
    stage.network.next(Fault::Answer(Canned::TooMany(2)), Some("PATCH"), 1);
    switch(&stage, &ada, false);
    assert!(eventually(SOON, || (!stage.network.hits().is_empty()).then_some(())).is_some());
    stage.delete(&format!("/Users/{ada}"));
    until(&stage, "user-000", is_off);
}

#[test]
fn a_503_that_did_its_work_first_is_not_believed_to_have_done_nothing() {
    let (stage, ada) = with_ada(Manners::default());
    switch(&stage, &ada, false);
    until(&stage, "user-000", is_off);
    stage.network.next(Fault::WorkThenAnswer(Canned::BusyUntil(2)), Some("PATCH"), 1);
    switch(&stage, &ada, true);
    until(&stage, "user-000", |user| !is_off(user));
    switch(&stage, &ada, false);
    until(&stage, "user-000", is_off);
}

#[test]
fn what_an_application_refuses_of_a_user_keeps_nobody_active_there() {
    for manners in [Manners::default(), Manners { patches: false, ..Manners::default() }] {
        let (stage, ada) = with_ada(manners);
        let method = if manners.patches { "PATCH" } else { "PUT" };
        stage.network.always(Fault::Answer(Canned::Error(400)), method, "Lovelace");
        stage.edit(&ada, &json!({ "enabled": false, "last_name": "Lovelace" }));
        until(&stage, "user-000", |user| is_off(user) && user.get("name").is_none());
        let waits = eventually(SOON, || (parked(&stage) == ["rejected"]).then_some(()));
        assert!(waits.is_some(), "{:?}", parked(&stage));
    }
}

#[test]
fn whoever_an_application_gives_back_for_somebody_new_is_not_taken_for_that_one() {
    let (stage, _) = with_ada(Manners::default());
    stage.network.next(Fault::Answer(Canned::Somebody), Some("POST"), 1);
    let eve = json!({ "username": "eve", "enabled": true });
    assert_eq!(stage.control(Method::POST, "/realm-users", Some(&eve)).0, 201);
    let waits = eventually(SOON, || (parked(&stage) == ["conflict"]).then_some(()));
    assert!(waits.is_some(), "{:?}: {:?}", parked(&stage), stage.app.app().journal());
}

#[test]
fn a_refusal_in_an_answer_that_says_200_is_a_refusal() {
    let (stage, ada) = with_ada(Manners::default());
    stage.network.always(Fault::Answer(Canned::Denial(400)), "PATCH", "Lovelace");
    stage.edit(&ada, &json!({ "last_name": "Lovelace" }));
    let waits = eventually(SOON, || (parked(&stage) == ["rejected"]).then_some(()));
    assert!(waits.is_some(), "{:?}", parked(&stage));
}

#[test]
fn numbers_for_ids_and_other_letter_case_make_nobody_twice() {
    let (stage, ada) = with_ada(Manners { unique: false, shows: Shows::Oddly, ..Manners::default() });
    for (fault, family) in [(Fault::LoseReply, "A"), (Fault::WorkThenAnswer(Canned::Error(502)), "B")] {
        stage.network.next(fault, Some("PATCH"), 1);
        stage.rename(&ada, "user-000", family);
    }
    stage.network.next(Fault::WorkThenAnswer(Canned::Error(502)), Some("POST"), 1);
    let eve = stage.user("eve");
    stage.rename(&eve, "eve", "E");
    switch(&stage, &eve, false);
    until(&stage, "eve", is_off);
    assert_eq!(stage.app.app().users().len(), 2, "{:?}", stage.app.app().journal());
}

#[test]
fn an_application_that_keeps_no_external_id_is_followed_under_the_ids_it_gave() {
    let (stage, ada) = with_ada(Manners { shows: Shows::NoExternalId, ..Manners::default() });
    stage.network.next(Fault::WorkThenAnswer(Canned::Error(502)), Some("PATCH"), 1);
    stage.rename(&ada, "user-000", "In doubt");
    switch(&stage, &ada, false);
    until(&stage, "user-000", is_off);
    assert_eq!(parked(&stage), [""; 0]);
}

#[test]
fn an_application_that_announces_patch_and_has_none_gets_whole_records() {
    let (stage, ada) = with_ada(Manners::default());
    for status in [405, 501] {
        stage.network.next(Fault::Answer(Canned::Error(status)), Some("PATCH"), 1);
        stage.rename(&ada, "user-000", &format!("By {status}"));
        let puts = stage.app.app().journal().iter().filter(|entry| entry.method == "PUT").count();
        assert_eq!(puts, if status == 405 { 1 } else { 2 });
    }
}

#[test]
fn a_list_that_lies_about_its_length_or_never_goes_on_makes_nobody_twice() {
    for (shows, linked) in [(Shows::PageByPage, true), (Shows::FirstPage, false)] {
        let stage = Stage::without_groups(Manners { unique: false, filters: false, shows, ..Manners::default() });
        for number in 0..250 {
            // Before any id of the application's own.
            stage.app.app().add(&format!("00-{number}"), &format!("stranger-{number}"));
        }
        stage.network.next(Fault::LoseReply, Some("POST"), 1);
        let ada = stage.user("ada");
        if linked {
            stage.rename(&ada, "ada", "Found");
        } else {
            let waits = eventually(SOON, || (parked(&stage) == ["unconfirmed create"]).then_some(()));
            assert!(waits.is_some(), "{:?}: {:?}", parked(&stage), stage.app.app().journal());
        }
        assert_eq!(stage.app.app().users().len(), 251, "{shows:?}");
    }
}

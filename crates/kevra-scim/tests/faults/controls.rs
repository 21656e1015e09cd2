//! What some rules prevent, and that nothing else does: each scene is played as it is, and once more with the rule kept from
//! working by a trigger in the database. Doubt after a lost reply has its own, in `lost_reply`.

use std::time::Duration;

use demo::sample_app::Manners;
use reqwest::Method;
use serde_json::json;
use testkit::eventually;
use testkit::network::Fault;

use crate::scene::{SOON, Scene};

const ADA: &str = "ada@acme.test";

/// K18: nothing is asserted after a doubtful round.
const NO_ASSERTION: &str = "
    create function switch_off() returns trigger language plpgsql as
        'begin new.assert_at := null; new.reassert_seq := null; return new; end';
    create trigger switch_off before update on ledger for each row execute function switch_off();";

/// K21: the intent to create is forgotten.
const NO_INTENT: &str = "
    create function switch_off() returns trigger language plpgsql as
        'begin new.create_intent_at := null; return new; end';
    create trigger switch_off before insert or update on link for each row execute function switch_off();";

/// K22: a link is believed after an enable.
const NO_VERIFICATION: &str = "
    create function switch_off() returns trigger language plpgsql as
        'begin update link set verified_generation = new.generation where target_id = new.id; return null; end';
    create trigger switch_off after update on target for each row execute function switch_off();";

/// K25: a disable sees nothing in flight.
const NO_DRAIN: &str = "
    create function switch_off() returns trigger language plpgsql as
        'begin new.lease_generation := null; return new; end';
    create trigger switch_off before update on ledger for each row execute function switch_off();";

fn without(scene: &Scene, rule: &str) {
    scene.installation.database().ask(rule);
}

/// Waits until a request has met its fault.
fn met(scene: &Scene, before: usize) {
    let met = eventually(SOON, || (scene.network.hits().len() > before).then_some(()));
    assert!(met.is_some(), "no request came: {}", scene.installation.logs());
}

fn becomes(scene: &Scene, family: &str) {
    let there = eventually(SOON, || scene.is_named(ADA, family).then_some(()));
    assert!(there.is_some(), "downstream holds {:?}", scene.downstream.app().users());
}

/// A write is on its way while its sender gives up and writes again, and a newer one after that; then it lands. Says whether
/// the newest stands in the end.
fn the_newest_stands_over_a_late_write(rule: Option<&str>) -> bool {
    let scene = Scene::with(Manners::default());
    let ada = scene.person(ADA);
    rule.inspect(|rule| without(&scene, rule));
    scene.network.next(Fault::Held, Some("PATCH"), 1);
    scene.rename(&ada, "First");
    becomes(&scene, "First");
    scene.rename(&ada, "Second");
    becomes(&scene, "Second");
    scene.network.release();
    becomes(&scene, "First");
    let settled = eventually(SOON, || (scene.is_named(ADA, "Second") || scene.rests()).then_some(()));
    assert!(settled.is_some(), "it comes to an end: {}", scene.installation.logs());
    scene.is_named(ADA, "Second")
}

#[test]
fn a_late_write_stands_only_where_nothing_is_asserted_after_it() {
    assert!(the_newest_stands_over_a_late_write(None));
    assert!(!the_newest_stands_over_a_late_write(Some(NO_ASSERTION)), "the rule makes the difference");
}

/// The answer to a create is lost, where nobody can be asked whether it was done; how many records come of it.
fn records_after_a_lost_create(rule: Option<&str>) -> usize {
    let scene = Scene::with(Manners { unique: false, filters: false, ..Manners::default() });
    rule.inspect(|rule| without(&scene, rule));
    scene.network.next(Fault::LoseReply, Some("POST"), 1);
    let ada = scene.newcomer(ADA);
    scene.rename(&ada, "Linked");
    let linked = eventually(SOON, || {
        let users = scene.downstream.app().users();
        users.iter().any(|user| user["name"]["familyName"] == "Linked").then_some(())
    });
    assert!(linked.is_some(), "{}", scene.installation.logs());
    scene.downstream.app().users().len()
}

#[test]
fn a_create_is_repeated_only_where_its_intent_is_forgotten() {
    assert_eq!(records_after_a_lost_create(None), 1);
    assert_eq!(records_after_a_lost_create(Some(NO_INTENT)), 2, "the rule makes the difference");
}

/// While outbound is off, the record becomes somebody else's; says whether they keep their name once it is on again.
fn a_stranger_keeps_its_name(rule: Option<&str>) -> bool {
    let scene = Scene::with(Manners::default());
    let ada = scene.person(ADA);
    rule.inspect(|rule| without(&scene, rule));
    scene.console.disable_outbound("acme");
    let record = scene.downstream.user(ADA).expect("her record")["id"].clone();
    let url = format!("{}/Users/{}", scene.downstream.url(), record.as_str().expect("an id"));
    let stranger = json!({ "userName": "eve@else.test", "externalId": "else", "name": { "familyName": "Eve" } });
    let answer = testkit::http().put(url).bearer_auth(scene.downstream.token()).json(&stranger).send();
    assert_eq!(answer.expect("an answer").status(), 200);
    scene.console.enable_outbound("acme", scene.network.url(), scene.downstream.token());
    scene.rename(&ada, "Lovelace");
    let written = eventually(SOON, || {
        let users = scene.downstream.app().users();
        users.into_iter().find(|user| user["name"]["familyName"] == "Lovelace")
    });
    assert!(written.is_some(), "her name arrives: {}", scene.installation.logs());
    written.is_some_and(|user| user["id"] != record)
}

#[test]
fn a_strangers_record_is_written_only_where_links_are_believed_after_an_enable() {
    assert!(a_stranger_keeps_its_name(None));
    assert!(!a_stranger_keeps_its_name(Some(NO_VERIFICATION)), "the rule makes the difference");
}

/// Outbound is disabled while a slow downstream has a change on its way; says whether it hears of one after the answer.
fn something_is_written_after_a_disable(rule: Option<&str>) -> bool {
    let scene = Scene::with(Manners::default());
    let ada = scene.person(ADA);
    rule.inspect(|rule| without(&scene, rule));
    let before = scene.network.hits().len();
    scene.network.next(Fault::Slow, Some("PATCH"), 1);
    scene.rename(&ada, "Slowly");
    met(&scene, before);
    scene.console.disable_outbound("acme");
    let named = scene.is_named(ADA, "Slowly");
    let later = eventually(Duration::from_secs(10), || (scene.is_named(ADA, "Slowly") != named).then_some(()));
    later.is_some()
}

#[test]
fn a_disable_is_followed_by_a_write_only_where_it_does_not_wait() {
    assert!(!something_is_written_after_a_disable(None));
    assert!(something_is_written_after_a_disable(Some(NO_DRAIN)), "the rule makes the difference");
}

#[test]
fn outbound_is_shown_as_enabled_until_its_disable_is_answered() {
    let scene = Scene::with(Manners::default());
    let ada = scene.person(ADA);
    let before = scene.network.hits().len();
    scene.network.next(Fault::Slow, Some("PATCH"), 1);
    scene.rename(&ada, "Slowly");
    met(&scene, before);
    let shown = || {
        let (_, panel) = scene.console.call(Method::GET, "/tenants/acme/identity-sync", None);
        panel["outbound"]["status"].as_str().expect("a status").to_owned()
    };
    std::thread::scope(|scope| {
        let disable = scope.spawn(|| scene.console.disable_outbound("acme"));
        let state = || scene.installation.database().ask("select state from target");
        assert!(eventually(SOON, || (state() == "disabled").then_some(())).is_some(), "{}", scene.installation.logs());
        assert_eq!(shown(), "enabled", "a change is on its way still");
        assert!(!disable.is_finished(), "nobody was told yet");
        disable.join().expect("it is disabled");
    });
    assert_eq!(shown(), "disabled");
}

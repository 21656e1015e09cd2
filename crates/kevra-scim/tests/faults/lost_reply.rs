//! A reply that gets lost leaves the downstream's state in doubt (K17). Where the ledger is kept from remembering the doubt,
//! this notices.

use std::time::Duration;

use demo::sample_app::Manners;
use serde_json::json;
use testkit::eventually;
use testkit::network::Fault;

use crate::scene::{SOON, Scene};

fn is(scene: &Scene, name: &str, active: bool) -> bool {
    scene.downstream.user(name).is_some_and(|user| user["active"] == active)
}

fn becomes(scene: &Scene, name: &str, active: bool) {
    let there = eventually(SOON, || is(scene, name, active).then_some(()));
    assert!(there.is_some(), "downstream holds {:?}: {}", scene.downstream.app().users(), scene.installation.logs());
}

/// On → the reply is lost → off: compared with what was last confirmed, "off" would be no change at all. Says whether somebody
/// new is off downstream in the end.
fn is_off_after_a_lost_reply(scene: &Scene, name: &str) -> bool {
    let id = scene.person(name);
    let switch = |active: bool| scene.provider.replace(&id, &[("active", json!(active))]);
    switch(false);
    becomes(scene, name, false);
    scene.settles();
    let before = scene.network.hits().len();
    scene.network.next(Fault::LoseReply, Some("PATCH"), 1);
    scene.network.next(Fault::Reset, None, usize::MAX);
    switch(true);
    becomes(scene, name, true);
    let lost = eventually(Duration::from_secs(10), || (scene.network.hits().len() > before).then_some(()));
    assert!(lost.is_some(), "a reply was lost");
    switch(false);
    assert!(is(scene, name, true), "nothing has got through since");
    scene.network.mend();
    let settled = eventually(SOON, || (is(scene, name, false) || scene.rests()).then_some(()));
    assert!(settled.is_some(), "it comes to an end: {}", scene.installation.logs());
    is(scene, name, false)
}

#[test]
fn a_user_switched_off_after_a_lost_reply_is_off_downstream() {
    for name in ["ada@acme.test", "bob@acme.test", "eve@acme.test"] {
        let scene = Scene::with(Manners::default());
        assert!(is_off_after_a_lost_reply(&scene, name), "downstream holds {:?}", scene.downstream.app().users());
        let posts = scene.downstream.app().journal().iter().filter(|entry| entry.method == "POST").count();
        assert_eq!(posts, 1, "nothing was made twice");
    }
}

#[test]
fn without_the_memory_of_doubt_a_user_would_stay_on() {
    let scene = Scene::with(Manners::default());
    scene.installation.database().ask(
        "create function forget() returns trigger language plpgsql as
             'begin new.settled_epoch := new.epoch; return new; end';
         create trigger forget before update on ledger for each row execute function forget();",
    );
    assert!(!is_off_after_a_lost_reply(&scene, "ada@acme.test"), "the rule makes the difference");
    assert!(scene.rests(), "with a clean ledger");
}

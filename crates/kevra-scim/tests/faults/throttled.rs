//! A downstream that asks for less gets less; one that fails is left alone but for a probe now and then.

use std::time::{Duration, Instant};

use demo::sample_app::Manners;
use testkit::eventually;
use testkit::network::{Canned, Fault};

use crate::scene::{SOON, Scene};

/// The waits between requests, from one on.
fn gaps(scene: &Scene, from: usize) -> Vec<Duration> {
    let requests = scene.network.requests();
    requests[from..].windows(2).map(|pair| pair[1].duration_since(pair[0])).collect()
}

#[test]
fn retry_after_is_waited_for_in_either_form() {
    let scene = Scene::with(Manners::default());
    let ada = scene.person("ada@acme.test");
    // A date has no parts of a second.
    let asked = [(Canned::TooMany(3), 3), (Canned::BusyUntil(4), 3), (Canned::TooMany(2), 2)];
    for (number, (canned, seconds)) in asked.into_iter().enumerate() {
        let from = scene.network.requests().len();
        scene.network.next(Fault::Answer(canned), None, 1);
        let family = format!("Name {number}");
        scene.rename(&ada, &family);
        let there = eventually(SOON, || scene.is_named("ada@acme.test", &family).then_some(()));
        assert!(there.is_some(), "{canned:?}: {}", scene.installation.logs());
        assert!(gaps(&scene, from)[0] >= Duration::from_secs(seconds), "{canned:?}: {:?}", gaps(&scene, from));
    }
}

#[test]
fn after_one_429_calls_come_slower_for_a_while() {
    let scene = Scene::with(Manners::default());
    let people = scene.people(60);
    let from = scene.network.requests().len();
    scene.network.next(Fault::Answer(Canned::TooMany(4)), Some("PATCH"), 1);
    for (id, _) in &people {
        scene.rename(id, "Slowly");
    }
    let all = || people.iter().all(|(_, name)| scene.is_named(name, "Slowly"));
    assert!(eventually(SOON, || all().then_some(())).is_some(), "{}", scene.installation.logs());
    // Ten a second to begin with, one more after each that goes well: 17 in the first second.
    let requests = scene.network.requests();
    let pause = gaps(&scene, from).iter().position(|gap| *gap >= Duration::from_secs(2)).expect("a pause");
    let resumed = requests[from + pause + 1];
    let soon = requests.iter().filter(|at| **at >= resumed && **at < resumed + Duration::from_secs(1)).count();
    assert!(soon <= 25, "{soon} in the first second");
}

#[test]
fn a_failing_downstream_is_left_alone_but_for_probes_and_gets_everything_once_it_is_back() {
    let scene = Scene::with(Manners::default());
    let people = scene.people(30);
    scene.network.next(Fault::Answer(Canned::Error(500)), None, usize::MAX);
    for (id, _) in &people {
        scene.rename(id, "Late");
    }
    let paused = "select count(*) from target where paused_until > extract(epoch from clock_timestamp()) * 1000000";
    let opened = eventually(SOON, || (scene.installation.database().ask(paused) == "1").then_some(Instant::now()));
    let opened = opened.expect("the breaker opens");
    // In 20 s: what was under way, and probes after 5, 10 and 20 s. Thirty people retrying on their own would be over 100.
    let _: Option<()> = eventually(Duration::from_secs(20), || None);
    let calls = scene.network.requests().iter().filter(|at| **at > opened).count();
    assert!((1..=16).contains(&calls), "{calls} calls");
    scene.network.mend();
    let all = || people.iter().all(|(_, name)| scene.is_named(name, "Late"));
    assert!(eventually(SOON, || all().then_some(())).is_some(), "{}", scene.installation.logs());
}

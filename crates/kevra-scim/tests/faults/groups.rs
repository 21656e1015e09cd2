//! A group on its way, while its dispatcher is killed at every step of it: before a request arrives, and when it has done
//! its work and nobody hears of that.

use std::collections::BTreeSet;
use std::time::Duration;

use demo::sample_app::Manners;
use serde_json::json;
use testkit::eventually;
use testkit::network::Fault;

use crate::choose_groups;
use crate::scene::{SOON, Scene};

/// Kills the dispatcher while something happens to the next request of a method, and starts another. `cause` is what that
/// request comes of.
fn killed_during(scene: &mut Scene, fault: Fault, method: &'static str, cause: impl FnOnce(&Scene)) {
    let before = scene.network.hits().len();
    scene.network.next(fault, Some(method), 1);
    cause(scene);
    let met = eventually(SOON, || (scene.network.hits().len() > before).then_some(()));
    assert!(met.is_some(), "no {method} came: {}", scene.installation.logs());
    scene.dispatcher.process.kill();
    scene.dispatcher.restart();
}

/// Waits until the one group of the application holds exactly these of our users.
fn holds(scene: &Scene, members: &[String]) {
    let wanted: BTreeSet<&str> = members.iter().map(String::as_str).collect();
    let there = eventually(Duration::from_mins(2), || {
        let (groups, users) = (scene.downstream.app().groups(), scene.downstream.app().users());
        let [group] = groups.as_slice() else { return None };
        let standing = group.get("members").and_then(|members| members.as_array()).cloned().unwrap_or_default();
        let whose = |id: &serde_json::Value| users.iter().find(|user| user.get("id") == Some(id));
        let held: BTreeSet<&str> =
            standing.iter().filter_map(|member| whose(&member["value"])?.get("externalId")?.as_str()).collect();
        (held == wanted && standing.len() == wanted.len()).then_some(())
    });
    assert!(there.is_some(), "downstream holds {:?}", scene.downstream.app().groups());
}

#[test]
fn a_group_is_made_once_and_complete_although_its_dispatcher_is_killed_at_every_step() {
    let mut scene = Scene::with(Manners::default());
    choose_groups(&scene.console, "acme");
    let everybody: Vec<String> = scene.people(150).into_iter().map(|(id, _)| id).collect();
    let mut crew = String::new();
    killed_during(&mut scene, Fault::Drip, "POST", |scene| crew = scene.provider.group("Crew", &everybody));
    killed_during(&mut scene, Fault::Stall, "PATCH", |_| {});
    killed_during(&mut scene, Fault::Drip, "PATCH", |_| {});
    holds(&scene, &everybody);
    // All but ten leave while that goes on.
    let stay: Vec<_> = everybody[..10].iter().map(|id| json!({ "value": id })).collect();
    let leave = json!([{ "op": "replace", "path": "members", "value": stay }]);
    killed_during(&mut scene, Fault::Drip, "PATCH", |scene| scene.provider.change_group(&crew, &leave));
    killed_during(&mut scene, Fault::Stall, "PATCH", |_| {});
    holds(&scene, &everybody[..10]);
    assert_eq!(scene.downstream.app().groups().len(), 1);
}

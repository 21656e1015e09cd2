//! Sagas cut short at each of their realm calls: the gateway is killed before the realm is asked or after it did its work, or
//! the realm's answer is lost. The client asks again, the sweeper ends what was left: everybody is there once, whole, and as
//! the directory has it.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::faulty_keycloak::{Call, Fault, FaultyKeycloak, InForce};

use crate::scene::{Answer, SOON, Scene, ask, patch};

mod sagas;

use sagas::Saga;

/// As many as the realm is asked at once.
type Batch = fn(&Scene) -> Vec<Saga>;

const BATCHES: [Batch; 3] = [sagas::of_users, sagas::of_groups, sagas::of_others];

impl Saga {
    fn send(&self, base: &str, token: &str) -> Option<Answer> {
        ask(base, token, self.method.clone(), &self.path, &self.body)
    }

    /// Whether an answer is the one that is waited for; of a bulk, each of its answers.
    fn is_done(&self, answer: &Answer) -> bool {
        let Some(operations) = answer.body["Operations"].as_array() else { return self.done.contains(&answer.status) };
        let status = |operation: &Value| operation["status"].as_str().and_then(|status| status.parse().ok());
        operations.iter().all(|operation| status(operation).is_some_and(|status| self.done.contains(&status)))
    }

    fn cut_by(&self, keycloak: &FaultyKeycloak, fault: Fault) -> InForce {
        let cut_at = self.cut_at.clone();
        keycloak.once(fault, move |call| cut_at(call))
    }
}

fn killed_at_every_step(fault: Fault) {
    let keycloak = FaultyKeycloak::default();
    let mut scene = Scene::behind(&keycloak);
    for batch in BATCHES {
        let sagas = batch(&scene);
        die(&mut scene, &keycloak, fault, &sagas);
        scene.gateway.restart();
        end_well(&scene, &sagas);
    }
}

/// All sagas of a batch die at once, each at its own step.
fn die(scene: &mut Scene, keycloak: &FaultyKeycloak, fault: Fault, sagas: &[Saga]) {
    let (base, token) = (&scene.base, &scene.token);
    std::thread::scope(|scope| {
        let mut rules = Vec::new();
        for saga in sagas {
            let rule = saga.cut_by(keycloak, fault);
            let request = (saga.method.clone(), saga.path.clone(), saga.body.clone());
            scope.spawn(move || ask(base, token, request.0, &request.1, &request.2));
            // One after the other, so that each rule meets its own saga.
            rule.wait_for(1);
            rules.push(rule);
        }
        scene.gateway.process.kill();
        drop(rules);
    });
    scene.leases_run_out();
}

/// Everything is asked again until it is done, and then it is as it should be.
fn end_well(scene: &Scene, sagas: &[Saga]) {
    for saga in sagas {
        let again = || saga.send(&scene.base, &scene.token).filter(|answer| saga.is_done(answer));
        let Saga { method, path, body, .. } = saga;
        assert!(eventually(SOON, again).is_some(), "{method} {path} {body}: {}", scene.installation.logs());
    }
    for left in [
        "select count(*) from reservation",
        "select count(*) from group_reservation",
        "select count(*) from directory_user where logout_owed",
        "select count(*) from membership where state = 'pending'",
    ] {
        scene.until_sql(left, "0");
    }
    for saga in sagas {
        (saga.ends)(scene);
    }
    let stay = sagas.iter().filter(|saga| saga.stays).count();
    let managed = (scene.realm.count() - stay) as u64;
    assert_eq!(managed, scene.total(), "nobody is there twice, and nobody is left over");
}

#[test]
fn a_gateway_killed_before_any_of_its_realm_calls_leaves_nothing_half_done() {
    killed_at_every_step(Fault::Swallow);
}

#[test]
fn a_gateway_killed_after_any_of_its_realm_calls_leaves_nothing_half_done() {
    killed_at_every_step(Fault::LateReply);
}

/// Whoever was switched off by a gateway that died is off, though nobody asks again: what the directory never heard of is no
/// late write of ours.
#[test]
fn whom_a_dead_gateway_switched_off_nobody_switches_on() {
    let keycloak = FaultyKeycloak::default();
    let mut scene = Scene::behind(&keycloak);
    let leavers = sagas::of_leavers(&scene);
    die(&mut scene, &keycloak, Fault::LateReply, &leavers);
    scene.until_sql("select count(*) from directory_user where logout_owed or active", "0");
    scene.until_sql("select count(*) from ledger where seen_seq < dirty_seq", "0");
    let on = scene.realm.admin(Method::GET, "/users?enabled=true&username=@acme.test", None);
    assert_eq!((on, scene.realm.count()), (json!([]), leavers.len()), "{}", scene.installation.logs());
}

#[test]
fn whoever_is_switched_on_after_a_gateway_died_switching_off_is_on() {
    let keycloak = FaultyKeycloak::default();
    let mut scene = Scene::behind(&keycloak);
    let leavers = sagas::of_leavers(&scene);
    for fault in [Fault::LateReply, Fault::Swallow] {
        die(&mut scene, &keycloak, fault, &leavers[..2]);
        scene.gateway.restart();
        for Saga { path, .. } in &leavers[..2] {
            let body = patch("active", &json!(true));
            let on = eventually(SOON, || (scene.send(Method::PATCH, path, &body).0 == 200).then_some(()));
            assert!(on.is_some(), "{}", scene.installation.logs());
        }
        scene.until_sql("select count(*) from directory_user where logout_owed", "0");
        scene.until_sql("select count(*) from ledger where seen_seq < dirty_seq", "0");
        for Saga { path, .. } in &leavers[..2] {
            let shown = scene.get(path).1;
            let held = scene.realm.admin(Method::GET, &path.replace("/Users", "/users"), None);
            assert_eq!((&shown["active"], &held["enabled"]), (&json!(true), &json!(true)), "{shown}");
        }
    }
}

#[test]
fn whatever_the_realm_did_and_could_not_say_is_done_once_and_never_told_as_done_before_it_is() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    for batch in BATCHES {
        let sagas = batch(&scene);
        for saga in &sagas {
            let rule = saga.cut_by(&keycloak, Fault::LoseReply);
            let answer = saga.send(&scene.base, &scene.token).unwrap();
            rule.wait_for(1);
            let come_again = answer.status == 503 && answer.retry_after.is_some();
            let Saga { method, path, body, .. } = saga;
            assert!(come_again || saga.follows || path == "/Bulk", "{method} {path} {body}: {answer:?}");
            assert!(!saga.is_done(&answer) || saga.follows, "{method} {path} {body}: {answer:?}");
        }
        scene.leases_run_out();
        end_well(&scene, &sagas);
    }
}

#[test]
fn a_crash_while_somebody_is_taken_over_deletes_nobody() {
    let keycloak = FaultyKeycloak::default();
    let mut scene = Scene::behind(&keycloak);
    scene.console.inbound_options("acme", &json!({ "existing_users": "adopt" }));
    let old = json!({ "username": "old@acme.test", "enabled": true });
    scene.realm.admin(Method::POST, "/users", Some(&old));
    let id = scene.realm.user("old@acme.test").unwrap()["id"].as_str().unwrap().to_owned();
    let rule =
        keycloak.once(Fault::LateReply, |call: &Call| call.method == Method::PUT && call.path.contains("/users/"));
    let body = json!({ "userName": "old@acme.test", "externalId": "e1" });
    let (base, token) = (scene.base.clone(), scene.token.clone());
    std::thread::scope(|scope| {
        scope.spawn(|| ask(&base, &token, Method::POST, "/Users", &body));
        rule.wait_for(1);
        scene.gateway.process.kill();
        rule.lift();
    });
    scene.leases_run_out();
    scene.gateway.restart();
    scene.until_sql("select count(*) from reservation", "0");
    scene.agrees("old@acme.test");
    // It was there before, so a delete lets it go and does not delete it.
    assert_eq!(scene.send(Method::DELETE, &format!("/Users/{id}"), &Value::Null).0, 204);
    let held = scene.realm.user("old@acme.test").unwrap();
    assert_eq!((&held["id"], &held["enabled"]), (&json!(id), &json!(false)));
}

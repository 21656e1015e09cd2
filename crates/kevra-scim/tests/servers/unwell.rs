//! A Keycloak that is not well (W7): each fault has its answer, never 401 or 404 and never a false success, and everything
//! goes on by itself once it is over.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::faulty_keycloak::{Call, Fault, FaultyKeycloak};
use testkit::keycloak::Realm;

use crate::host_of;
use crate::scene::{Answer, SOON, Scene, ask, patch};

/// The gateway's own deadline, and a little for a busy machine.
const DEADLINE: Duration = Duration::from_secs(27);

fn asks_to_come_again(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    let seconds = answer.retry_after.as_ref().and_then(|text| text.parse::<u32>().ok());
    assert!(seconds.is_some_and(|seconds| (1..=60).contains(&seconds)), "{answer:?}");
    assert_eq!(answer.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{answer:?}");
}

/// Everything a provider asks that needs the realm comes to a 503 in time; what does not is answered.
fn is_unwell(scene: &Scene, id: &str, name: &str) {
    let (path, given) = (format!("/Users/{id}"), patch("name.givenName", &json!(name)));
    let begun = Instant::now();
    asks_to_come_again(&scene.ask(Method::PATCH, &path, &given).unwrap());
    asks_to_come_again(&scene.ask(Method::POST, "/Users", &json!({ "userName": name })).unwrap());
    assert!(begun.elapsed() < 2 * DEADLINE, "{:?}", begun.elapsed());
    assert_eq!(scene.get(&path).0, 200, "reads need no realm");
}

/// The same requests are accepted, and directory and realm agree.
fn is_well(scene: &Scene, id: &str, name: &str) {
    let (path, given) = (format!("/Users/{id}"), patch("name.givenName", &json!(name)));
    let changed = eventually(SOON, || (scene.send(Method::PATCH, &path, &given).0 == 200).then_some(()));
    assert!(changed.is_some(), "{name}: {}", scene.installation.logs());
    let create = || scene.send(Method::POST, "/Users", &json!({ "userName": name }));
    let answered = eventually(SOON, || Some(create().0).filter(|status| *status != 503));
    // 409 where the sweeper has finished the first attempt meanwhile.
    assert!([Some(201), Some(409)].contains(&answered), "{name}: {answered:?} {}", scene.installation.logs());
    scene.until_sql("select count(*) from reservation", "0");
    scene.agrees(name);
}

#[test]
fn each_fault_of_keycloak_is_answered_with_come_again_and_goes_by_itself() {
    let mut keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    let id = scene.made("ada@acme.test");
    let on_users = |call: &Call| call.path.contains("/users");
    for (name, fault) in [
        ("status-500", Fault::Answer(500)),
        ("status-502", Fault::Answer(502)),
        ("status-503", Fault::Answer(503)),
        ("lost-reply", Fault::LoseReply),
        ("hangs", Fault::Swallow),
    ] {
        let rule = keycloak.on(fault, on_users);
        is_unwell(&scene, &id, name);
        rule.lift();
        scene.leases_run_out();
        is_well(&scene, &id, name);
    }
    keycloak.go_down();
    is_unwell(&scene, &id, "is-down");
    keycloak.come_up();
    is_well(&scene, &id, "is-down");
    assert_eq!(scene.realm.count() as u64, scene.total());
}

#[test]
fn a_deactivation_whose_log_out_failed_is_finished_by_itself() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    let id = scene.made("ada@acme.test");
    let logs_out = |call: &Call| call.path.ends_with("/logout");
    let rule = keycloak.on(Fault::Answer(500), logs_out);
    asks_to_come_again(&scene.ask(Method::PATCH, &format!("/Users/{id}"), &patch("active", &json!(false))).unwrap());
    assert_eq!(scene.realm.user("ada@acme.test").unwrap()["enabled"], false, "it cannot log in any more");
    // The tenant sees which part was done and which was not.
    let calls = scene.asked("PATCH /Users/{id}");
    let [.., disabled, logged_out] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!(*disabled, ("disable user".to_owned(), "ok".to_owned()));
    assert_eq!(*logged_out, ("end sessions".to_owned(), "ambiguous".to_owned()));
    let created: Vec<String> = scene.asked("POST /Users").into_iter().map(|(operation, _)| operation).collect();
    // Until the import is done, the realm is asked first whether it knows the name (K8).
    assert!(created.ends_with(&["create user".to_owned(), "grant role".to_owned()]), "{created:?}");
    let ((), calls) = keycloak.during(|| {
        rule.lift();
        scene.leases_run_out();
        scene.until_sql("select count(*) from directory_user where logout_owed", "0");
    });
    assert!(calls.iter().any(logs_out), "the sweeper paid it");
    // In doubt nobody is switched on again.
    scene.until_sql("select count(*) from ledger where dirty_seq > seen_seq", "0");
    scene.agrees("ada@acme.test");
    assert_eq!(scene.realm.user("ada@acme.test").unwrap()["enabled"], false);
}

#[test]
fn whoever_is_taken_over_to_be_switched_off_is_logged_out_as_well() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    scene.console.inbound_options("acme", &json!({ "existing_users": "adopt" }));
    let old = json!({ "username": "old@acme.test", "enabled": true });
    scene.realm.admin(Method::POST, "/users", Some(&old));
    let leaver = json!({ "userName": "old@acme.test", "active": false });
    let ((), calls) = keycloak.during(|| {
        let (status, adopted) = scene.send(Method::POST, "/Users", &leaver);
        assert_eq!((status, &adopted["active"]), (201, &json!(false)), "{adopted}");
        scene.until_sql("select count(*) from directory_user where logout_owed", "0");
    });
    assert!(calls.iter().any(|call| call.path.ends_with("/logout")), "{calls:?}");
    scene.agrees("old@acme.test");
}

#[test]
fn a_silent_realm_is_soon_answered_for_at_once_and_keeps_nobody_else_waiting() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    let well = Realm::default();
    scene.console.make_tenant("well", well.name());
    let token = scene.console.enable_inbound("well");
    let base = format!("http://{}/realms/{}/scim/v2", host_of(&scene.gateway), well.name());
    let ids: Vec<String> = (0..10).map(|number| scene.made(&format!("u{number}@acme.test"))).collect();
    let (silent, first_calls) = (scene.realm.name().to_owned(), Instant::now());
    let rule = keycloak.on(Fault::Swallow, move |call| call.path.contains(&silent));
    // The dispatcher has much to look at in the silent realm, too.
    scene.sql("update ledger set dirty_seq = dirty_seq + 1, next_at = 0");
    std::thread::scope(|scope| {
        for id in &ids {
            let (base, token, path) = (&scene.base, &scene.token, format!("/Users/{id}"));
            let change = patch("name.givenName", &json!("Silent"));
            scope.spawn(move || asks_to_come_again(&ask(base, token, Method::PATCH, &path, &change).unwrap()));
        }
        let mut slowest = Duration::ZERO;
        for number in 0..10 {
            let begun = Instant::now();
            let made =
                ask(&base, &token, Method::POST, "/Users", &json!({ "userName": format!("well-{number}") })).unwrap();
            assert_eq!(made.status, 201, "{made:?}");
            slowest = slowest.max(begun.elapsed());
        }
        assert!(slowest < realm_call() / 2, "{slowest:?} for a tenant whose realm is well");
        // An edit in the realm that is well is followed while the other is silent.
        let id = well.user("well-0").unwrap()["id"].as_str().unwrap().to_owned();
        well.save_user(&id, |user| user["lastName"] = json!("Edited"));
        let read = || ask(&base, &token, Method::GET, &format!("/Users/{id}"), &Value::Null).unwrap().body;
        let followed = eventually(SOON, || (read()["name"]["familyName"] == "Edited").then_some(()));
        assert!(followed.is_some(), "{}", scene.installation.logs());
    });
    assert!(first_calls.elapsed() >= realm_call(), "the first ones had to find out");
    // By now nobody waits for it.
    let quick = eventually(SOON, || {
        let begun = Instant::now();
        asks_to_come_again(&scene.ask(Method::POST, "/Users", &json!({ "userName": "quick" })).unwrap());
        (begun.elapsed() < Duration::from_secs(2)).then_some(())
    });
    assert!(quick.is_some());
    rule.lift();
    scene.leases_run_out();
    is_well(&scene, &ids[1], "again");
}

/// How long the product waits for one call.
fn realm_call() -> Duration {
    Duration::from_secs(8)
}

#[test]
fn a_group_is_made_though_the_realm_takes_no_members_yet_and_they_follow_by_themselves() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    let ada = scene.made("ada@acme.test");
    let body = json!({ "displayName": "Guides", "members": [{ "value": ada }] });
    let joins = |call: &Call| call.method == Method::PUT && call.path.contains("/groups/");
    let refused = keycloak.on(Fault::Answer(503), joins);
    let (status, group) = scene.send(Method::POST, "/Groups", &body);
    assert_eq!((status, &group["members"][0]["value"]), (201, &json!(ada)), "{group}");
    assert!(refused.met() > 0, "the realm was told at once");
    // Nobody has to repeat it; who does meets what is there.
    assert_eq!(scene.send(Method::POST, "/Groups", &body).0, 409);
    refused.lift();
    let joined = eventually(SOON, || {
        scene.leases_run_out();
        let groups = scene.realm.admin(Method::GET, &format!("/users/{ada}/groups"), None);
        (groups[0]["id"] == group["id"]).then_some(())
    });
    assert!(joined.is_some(), "{}", scene.installation.logs());
}

#[test]
fn a_group_whose_members_take_the_realm_long_is_made_in_time_and_the_rest_follow_by_themselves() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    let people: Vec<String> = (0..10).map(|number| scene.made(&format!("user-{number}@acme.test"))).collect();
    let members: Vec<Value> = people.iter().map(|id| json!({ "value": id })).collect();
    let joins = |call: &Call| call.method == Method::PUT && call.path.contains("/groups/");
    let slow = keycloak.on(Fault::Slow(realm_call() / 2), joins);
    let begun = Instant::now();
    let (status, group) = scene.send(Method::POST, "/Groups", &json!({ "displayName": "Guides", "members": members }));
    assert_eq!((status, group["members"].as_array().map(Vec::len)), (201, Some(10)), "{group}");
    assert!(begun.elapsed() < DEADLINE, "{:?}", begun.elapsed());
    assert!((1..10).contains(&slow.met()), "{} were told", slow.met());
    slow.lift();
    let id = group["id"].as_str().unwrap();
    let joined = eventually(SOON, || {
        scene.leases_run_out();
        let there = scene.realm.admin(Method::GET, &format!("/groups/{id}/members?max=20"), None);
        (there.as_array().map(Vec::len) == Some(10)).then_some(())
    });
    assert!(joined.is_some(), "{}", scene.installation.logs());
}

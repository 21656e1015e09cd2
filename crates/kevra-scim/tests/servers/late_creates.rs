//! Creates that come too late (K2): whoever they make in the realm is taken back, by themselves or by the next look at it.

use std::time::Instant;

use reqwest::Method;
use serde_json::json;
use testkit::eventually;
use testkit::faulty_keycloak::{Call, Fault, FaultyKeycloak};

use crate::scene::{SOON, Scene, ask};

fn makes_a_user(call: &Call) -> bool {
    call.method == Method::POST && call.path.ends_with("/users")
}

fn deletes_a_user(call: &Call) -> bool {
    call.method == Method::DELETE && call.path.contains("/users/")
}

/// Sends the create again until it is accepted, and looks at what is there then.
fn accepted_at_last(scene: &Scene, name: &str) {
    let body = json!({ "userName": name });
    let made = eventually(SOON, || (scene.send(Method::POST, "/Users", &body).0 == 201).then_some(()));
    assert!(made.is_some(), "{}", scene.installation.logs());
    scene.agrees(name);
    assert_eq!(scene.realm.count(), 1);
}

#[test]
fn a_create_frozen_until_its_reservation_was_given_up_takes_back_what_it_makes() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    // The dispatcher has its token by then, and nothing more to ask: the next one is the gateway's.
    scene.until_sql(
        "select cursor_ms is not null and import_done_at is not null and compare_at is not null from realm_watch",
        "t",
    );
    let token = keycloak.once(Fault::LateReply, Call::is_for_a_token);
    let ((), calls) = keycloak.during(|| {
        std::thread::scope(|scope| {
            let (base, at, body) = (&scene.base, &scene.token, json!({ "userName": "ada@acme.test" }));
            let create = scope.spawn(move || ask(base, at, Method::POST, "/Users", &body).unwrap());
            token.wait_for(1);
            scene.gateway.process.signal("STOP");
            token.lift();
            scene.leases_run_out();
            scene.until_sql("select count(*) from reservation", "0");
            scene.gateway.process.signal("CONT");
            let answer = create.join().unwrap();
            assert_eq!(answer.status, 503, "{answer:?}");
        });
    });
    assert!(calls.iter().any(makes_a_user), "it did reach the realm");
    assert!(calls.iter().any(deletes_a_user), "and was taken back before the answer");
    assert_eq!(scene.realm.count(), 0);
    accepted_at_last(&scene, "ada@acme.test");
}

#[test]
fn a_create_that_reaches_the_realm_after_it_was_given_up_is_found_and_removed() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    let late = keycloak.once(Fault::Late, makes_a_user);
    let create = scene.ask(Method::POST, "/Users", &json!({ "userName": "ada@acme.test" })).unwrap();
    assert_eq!((create.status, create.retry_after.is_some()), (503, true), "{create:?}");
    scene.leases_run_out();
    scene.until_sql("select count(*) from reservation", "0");
    let lifted = Instant::now();
    // As long as it stands there, nobody is told that the name is somebody's.
    let dispatcher = &scene.dispatcher.as_ref().unwrap().process;
    dispatcher.signal("STOP");
    late.lift();
    assert!(eventually(SOON, || scene.realm.user("ada@acme.test").map(drop)).is_some(), "it arrives");
    let (status, told) = scene.send(Method::POST, "/Users", &json!({ "userName": "ada@acme.test" }));
    assert_eq!(status, 503, "{told}");
    dispatcher.signal("CONT");
    // Somebody is there to be removed: it has arrived.
    keycloak.wait_for(lifted, deletes_a_user);
    let gone = eventually(SOON, || scene.realm.user("ada@acme.test").is_none().then_some(()));
    assert!(gone.is_some(), "{}", scene.installation.logs());
    accepted_at_last(&scene, "ada@acme.test");
}

#[test]
fn whoever_was_there_before_and_is_taken_over_too_late_is_let_go_and_stays() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    let realm = &scene.realm;
    realm.admin(Method::POST, "/users", Some(&json!({ "username": "old@acme.test", "enabled": true })));
    realm.admin(Method::POST, "/groups", Some(&json!({ "name": "Old" })));
    let (user, group) = (realm.user("old@acme.test").unwrap()["id"].take(), realm.admin(Method::GET, "/groups", None));
    scene.console.inbound_options("acme", &json!({ "existing_users": "adopt" }));
    let saves = |of: &'static str| move |call: &Call| call.method == Method::PUT && call.path.contains(of);
    let late = [keycloak.once(Fault::Late, saves("/users/")), keycloak.once(Fault::Late, saves("/groups/"))];
    let ada = json!({ "userName": "old@acme.test", "name": { "givenName": "Ada" } });
    let crew = json!({ "displayName": "Old" });
    assert_eq!([scene.send(Method::POST, "/Users", &ada).0, scene.send(Method::POST, "/Groups", &crew).0], [503, 503]);
    scene.until_sql("select (select count(*) from reservation) + (select count(*) from group_reservation)", "0");
    for one in late {
        one.lift();
    }
    // It arrives, and the look at it takes the marker away again; the group's stays until somebody asks for it.
    let let_go = || {
        let held = realm.user("old@acme.test").expect("nobody deletes who was there before");
        (held["firstName"] == "Ada" && held["attributes"]["scimManaged"].is_null()).then_some(())
    };
    assert!(eventually(SOON, let_go).is_some(), "{}", scene.installation.logs());
    let marked = || realm.admin(Method::GET, &format!("/groups/{}", group[0]["id"].as_str().unwrap()), None);
    assert!(eventually(SOON, || marked()["attributes"]["scimManaged"].is_array().then_some(())).is_some());
    for (path, body, id) in [("/Users", &ada, &user), ("/Groups", &crew, &group[0]["id"])] {
        let (status, adopted) = scene.send(Method::POST, path, body);
        assert_eq!((status, &adopted["id"]), (201, id), "{adopted}");
    }
}

#[test]
fn a_group_that_came_too_late_makes_way_for_the_one_that_is_wanted() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    let late = keycloak.once(Fault::Late, |call| call.method == Method::POST && call.path.ends_with("/groups"));
    let guides = json!({ "displayName": "Guides" });
    assert_eq!(scene.send(Method::POST, "/Groups", &guides).0, 503);
    scene.until_sql("select count(*) from group_reservation", "0");
    late.lift();
    let groups = || scene.realm.admin(Method::GET, "/groups", None);
    assert!(eventually(SOON, || (groups() != json!([])).then_some(())).is_some(), "it arrives");
    let (status, made) = scene.send(Method::POST, "/Groups", &guides);
    assert_eq!(status, 201, "{made}");
    assert_eq!(groups().as_array().map(Vec::len), Some(1));
    assert_eq!(groups()[0]["id"], made["id"]);
    assert_eq!(scene.send(Method::POST, "/Groups", &guides).0, 409);
}

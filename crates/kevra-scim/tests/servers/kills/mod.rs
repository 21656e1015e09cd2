//! The gateway killed between any two steps of a saga: before each of its realm calls, and after the realm did its work.
//! The client asks again, the sweeper ends what was left: everybody is there once, whole, and as the directory has it.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::faulty_keycloak::{Call, Fault, FaultyKeycloak};

use crate::scene::{SOON, Scene, ask, patch};

type At = Arc<dyn Fn(&Call) -> bool + Send + Sync>;

/// A request and the realm call at which its gateway dies.
struct Saga {
    method: Method,
    path: String,
    body: Value,
    dies_at: At,
    /// What counts as done when it is asked again.
    done: &'static [u16],
}

fn create(name: &str, at: fn(&Call) -> bool) -> Saga {
    let body = json!({ "userName": name, "name": { "givenName": "Made" } });
    let user = name.to_owned();
    // The role's call names nobody: it is the only one of its kind under way.
    let dies_at = move |call: &Call| at(call) && (call.path.contains("role-mappings") || call.body.contains(&user));
    Saga { method: Method::POST, path: "/Users".into(), body, dies_at: Arc::new(dies_at), done: &[201, 409] }
}

fn change(scene: &Scene, method: Method, body: Value, at: &'static str) -> (String, Saga) {
    let name = format!("{}@acme.test", testkit::unique("u"));
    let id = scene.made(&name);
    let (verb, rest) = at.split_once(' ').unwrap();
    let ends = format!("/users/{id}{rest}");
    let verb = Method::from_bytes(verb.as_bytes()).unwrap();
    let dies_at = move |call: &Call| call.method == verb && call.path.ends_with(&ends);
    let saga = Saga { method, path: format!("/Users/{id}"), body, dies_at: Arc::new(dies_at), done: &[200, 204, 404] };
    (name, saga)
}

fn posts(what: &'static str) -> fn(&Call) -> bool {
    match what {
        "/users" => |call| call.method == Method::POST && call.path.ends_with("/users"),
        "/groups" => |call| call.method == Method::POST && call.path.ends_with("/groups"),
        _ => |call| call.method == Method::POST && call.path.ends_with("/role-mappings/realm"),
    }
}

/// Every saga of the gateway dies at once, each at its own step; as many as the realm is asked at once.
fn killed_at_every_step(fault: Fault) {
    let keycloak = FaultyKeycloak::default();
    let mut scene = Scene::behind(&keycloak);
    let member = scene.made("member@acme.test");
    let off = patch("active", &json!(false));
    let (renamed, rename) = change(&scene, Method::PATCH, patch("name.givenName", &json!("Changed")), "PUT ");
    let (disabled, disable) = change(&scene, Method::PATCH, off.clone(), "PUT ");
    let (signed_out, sign_out) = change(&scene, Method::PATCH, off, "POST /logout");
    let (deleted, delete) = change(&scene, Method::DELETE, Value::Null, "DELETE ");
    let group = |name: &str, dies_at: At| Saga {
        method: Method::POST,
        path: "/Groups".into(),
        body: json!({ "displayName": name, "members": [{ "value": member }] }),
        dies_at,
        done: &[201, 409],
    };
    let membership = format!("/users/{member}/groups/");
    let sagas = [
        create("role@acme.test", posts("/role-mappings/realm")),
        create("user@acme.test", posts("/users")),
        rename,
        disable,
        sign_out,
        delete,
        group("Members", Arc::new(move |call: &Call| call.path.contains(&membership))),
        group("Groups", Arc::new(|call: &Call| posts("/groups")(call) && call.body.contains("\"Groups\""))),
    ];
    let (base, token) = (scene.base.clone(), scene.token.clone());
    std::thread::scope(|scope| {
        let mut rules = Vec::new();
        for Saga { method, path, body, dies_at, .. } in &sagas {
            let dies_at = dies_at.clone();
            let rule = keycloak.once(fault, move |call| dies_at(call));
            let (base, token) = (&base, &token);
            scope.spawn(move || ask(base, token, method.clone(), path, body));
            // One after the other, so that each rule meets its own saga.
            rule.wait_for(1);
            rules.push(rule);
        }
        scene.gateway.process.kill();
        drop(rules);
    });
    scene.leases_run_out();
    scene.gateway.restart();
    for Saga { method, path, body, done, .. } in &sagas {
        let again = || ask(&base, &token, method.clone(), path, body).filter(|answer| done.contains(&answer.status));
        let accepted = eventually(SOON, again);
        assert!(accepted.is_some(), "{method} {path} {body}: {}", scene.installation.logs());
    }
    for left in [
        "select count(*) from reservation",
        "select count(*) from group_reservation",
        "select count(*) from directory_user where logout_owed",
        "select count(*) from membership where state = 'pending'",
    ] {
        scene.until_sql(left, "0");
    }
    for name in ["role@acme.test", "user@acme.test", &renamed, &disabled, &signed_out] {
        scene.agrees(name);
    }
    assert_eq!(scene.realm.user(&renamed).unwrap()["firstName"], "Changed");
    for name in [&disabled, &signed_out] {
        assert_eq!(scene.realm.user(name).unwrap()["enabled"], false);
    }
    assert!(scene.realm.user(&deleted).is_none());
    assert_eq!(scene.realm.count() as u64, scene.total(), "nobody is there twice, and nobody is left over");
    for name in ["Members", "Groups"] {
        let found = scene.realm.admin(Method::GET, &format!("/groups?search={name}&exact=true"), None);
        assert_eq!(found.as_array().map(Vec::len), Some(1), "{name}");
        let members =
            scene.realm.admin(Method::GET, &format!("/groups/{}/members", found[0]["id"].as_str().unwrap()), None);
        assert_eq!(members[0]["id"], json!(member), "{name}");
    }
}

#[test]
fn a_gateway_killed_before_any_of_its_realm_calls_leaves_nothing_half_done() {
    killed_at_every_step(Fault::Swallow);
}

#[test]
fn a_gateway_killed_after_any_of_its_realm_calls_leaves_nothing_half_done() {
    killed_at_every_step(Fault::LateReply);
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

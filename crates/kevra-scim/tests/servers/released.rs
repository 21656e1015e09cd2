//! People whom an administrator has otherwise than SCIM: taken out of its hands by the realm role, they stay in the realm,
//! whatever comes next; switched on again, they are on, and that is told.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::keycloak::Realm;

use crate::scene::{SOON, Scene, patch};

#[test]
fn who_is_let_go_of_by_an_administrator_is_never_taken_for_a_create_that_came_too_late() {
    let scene = Scene::new(Realm::default());
    let name = "ada@acme.test";
    let id = scene.made(name);
    let role = scene.realm.admin(Method::GET, "/roles/scim-managed", None);
    let managed = |method: Method| {
        scene.realm.admin(method, &format!("/users/{id}/role-mappings/realm"), Some(&json!([role])));
    };
    managed(Method::DELETE);
    scene.becomes(&format!("/Users/{id}"), 404);
    let held = scene.realm.user(name).unwrap();
    assert_eq!((&held["enabled"], &held["attributes"]["scimManaged"]), (&json!(true), &Value::Null), "{held}");
    // The next edit has the user looked at by somebody who knows nothing of before.
    let seen = format!("select seen_seq from ledger where user_id = '{id}'");
    let before = scene.sql(&seen);
    scene.realm.save_user(&id, |user| user["lastName"] = json!("Byron"));
    let looked = eventually(SOON, || (scene.sql(&seen) != before).then_some(()));
    assert!(looked.is_some(), "{}", scene.installation.logs());
    assert_eq!(scene.realm.user(name).unwrap()["lastName"], "Byron");
    // Taken over like anybody of the realm, and given back.
    let body = json!({ "userName": name });
    assert_eq!(scene.send(Method::POST, "/Users", &body).0, 409);
    scene.console.inbound_options("acme", &json!({ "existing_users": "adopt" }));
    let (status, adopted) = scene.send(Method::POST, "/Users", &body);
    assert_eq!((status, &adopted["id"]), (201, &json!(id)), "{adopted}");
    scene.agrees(name);
}

#[test]
fn whoever_an_administrator_switches_on_again_is_on_and_that_is_told() {
    let scene = Scene::new(Realm::default());
    let name = "ada@acme.test";
    let id = scene.made(name);
    let (path, active) = (format!("/Users/{id}"), |on: bool| patch("active", &json!(on)));
    let is = |on: bool| {
        let there = eventually(SOON, || (scene.get(&path).1["active"] == json!(on)).then_some(()));
        assert!(there.is_some(), "{}", scene.installation.logs());
    };
    // SCIM's own switch is nobody else's.
    assert_eq!(scene.send(Method::PATCH, &path, &active(false)).0, 200);
    assert_eq!(scene.send(Method::PATCH, &path, &active(true)).0, 200);
    assert_eq!(scene.send(Method::PATCH, &path, &active(false)).0, 200);
    scene.until_sql("select count(*) from ledger where dirty_seq > seen_seq", "0");
    assert_eq!(scene.noted("switched_on"), 0);
    scene.realm.save_user(&id, |user| user["enabled"] = json!(true));
    is(true);
    let noted = eventually(SOON, || (scene.noted("switched_on") == 1).then_some(()));
    assert!(noted.is_some(), "{}", scene.installation.logs());
    // An administrator's own, there and back, is everyday work.
    for on in [false, true] {
        scene.realm.save_user(&id, |user| user["enabled"] = json!(on));
        is(on);
    }
    scene.until_sql("select count(*) from ledger where dirty_seq > seen_seq", "0");
    assert_eq!(scene.noted("switched_on"), 1);
    scene.agrees(name);
}

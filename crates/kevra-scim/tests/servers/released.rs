//! People whom an administrator takes out of SCIM's hands by the realm role: they stay in the realm, whatever comes next.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::keycloak::Realm;

use crate::scene::{SOON, Scene};

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

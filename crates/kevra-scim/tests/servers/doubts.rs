//! Realm writes that were not confirmed (K5), and users whom somebody else's overlapping write left broken.

use std::time::Instant;

use reqwest::Method;
use serde_json::json;
use testkit::eventually;
use testkit::faulty_keycloak::{Call, Fault, FaultyKeycloak};
use testkit::keycloak::Realm;

use crate::scene::{SOON, Scene, patch};

fn given(name: &str) -> serde_json::Value {
    patch("name.givenName", &json!(name))
}

#[test]
fn a_write_that_lands_after_a_later_one_was_confirmed_is_undone() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    let id = scene.made("ada@acme.test");
    let path = format!("/Users/{id}");
    let late = keycloak.once(Fault::Late, |call: &Call| call.method == Method::PUT && call.body.contains("Late"));
    assert_eq!(scene.send(Method::PATCH, &path, &given("Late")).0, 503);
    scene.leases_run_out();
    let later = eventually(SOON, || (scene.send(Method::PATCH, &path, &given("Later")).0 == 200).then_some(()));
    assert!(later.is_some());
    let first_name = || scene.realm.user("ada@acme.test").unwrap()["firstName"].clone();
    assert_eq!(first_name(), "Later");
    let lifted = Instant::now();
    late.lift();
    // Nothing but its landing gives a reason to write.
    keycloak.wait_for(lifted, |call: &Call| call.method == Method::PUT && call.body.contains("Later"));
    let mended = eventually(SOON, || (first_name() == "Later").then_some(()));
    assert!(mended.is_some(), "{}", scene.installation.logs());
    assert_eq!(scene.get(&path).1["name"]["givenName"], "Later");
    scene.agrees("ada@acme.test");
}

/// What two overlapping PUTs do (keycloak#41533), done on purpose.
fn break_attribute(realm: &Realm, id: &str) {
    let multivalued = |yes: bool| {
        let mut profile = realm.admin(Method::GET, "/users/profile", None);
        for attribute in profile["attributes"].as_array_mut().unwrap() {
            if attribute["name"] == "scimExternalId" {
                attribute["multivalued"] = json!(yes);
            }
        }
        realm.admin(Method::PUT, "/users/profile", Some(&profile));
    };
    multivalued(true);
    realm.save_user(id, |user| user["attributes"]["scimExternalId"] = json!(["e1", "e2"]));
    multivalued(false);
}

#[test]
fn a_user_with_an_attribute_of_two_values_is_deactivated_and_changed_at_the_first_attempt() {
    let scene = Scene::new(Realm::default());
    for change in [patch("active", &json!(false)), given("Augusta")] {
        let name = format!("{}@acme.test", testkit::unique("u"));
        let (_, made) = scene.send(Method::POST, "/Users", &json!({ "userName": name, "externalId": name }));
        let id = made["id"].as_str().unwrap();
        break_attribute(&scene.realm, id);
        let (status, answer) = scene.send(Method::PATCH, &format!("/Users/{id}"), &change);
        assert_eq!(status, 200, "{answer}");
        let external = || scene.realm.user(&name).unwrap()["attributes"]["scimExternalId"].clone();
        assert_eq!(external().as_array().map(Vec::len), Some(1), "mended");
        scene.agrees(&name);
        // What belongs to the directory comes back, whichever of the two was left.
        let back = eventually(SOON, || (external() == json!([name])).then_some(()));
        assert!(back.is_some(), "{}: {}", external(), scene.installation.logs());
    }
}

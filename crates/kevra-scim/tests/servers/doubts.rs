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

#[test]
fn a_membership_that_the_sweeper_told_and_that_lands_after_somebody_left_is_undone() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    let ada = scene.made("ada@acme.test");
    let (status, team) = scene.send(Method::POST, "/Groups", &json!({ "displayName": "Team" }));
    assert_eq!(status, 201, "{team}");
    let team = team["id"].as_str().unwrap().to_owned();
    let path = format!("/Groups/{team}");
    let joining = |call: &Call| call.method == Method::PUT && call.path.contains("/groups/");
    let leaving = |call: &Call| call.method == Method::DELETE && call.path.contains("/groups/");
    let late = keycloak.once(Fault::Late, joining);
    // What a request left that died before it told the realm.
    scene.sql(&format!(
        "insert into membership (tenant_id, group_id, user_id, desired, state, changed_at, kind)
         select tenant_id, id, '{ada}', true, 'pending', 0, 'User' from directory_group where id = '{team}'"
    ));
    scene.until_sql("select realm_doubt_until is not null from directory_group", "t");
    scene.leases_run_out();
    let leaves = json!({ "Operations": [{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }] });
    let left = eventually(SOON, || (scene.send(Method::PATCH, &path, &leaves).0 < 300).then_some(()));
    assert!(left.is_some(), "{}", scene.installation.logs());
    let lifted = Instant::now();
    late.lift();
    // Nothing but its landing gives a reason to take her out again.
    keycloak.wait_for(lifted, leaving);
    let members = || scene.realm.admin(Method::GET, &format!("/groups/{team}/members"), None);
    let out = eventually(SOON, || (members() == json!([])).then_some(()));
    assert!(out.is_some(), "{}: {}", members(), scene.installation.logs());
    let shown = scene.get(&path).1;
    assert!(shown["members"].as_array().is_none_or(Vec::is_empty), "{shown}");
}

#[test]
fn a_groups_name_that_lands_after_a_later_one_was_confirmed_is_undone() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::behind(&keycloak);
    let (_, team) = scene.send(Method::POST, "/Groups", &json!({ "displayName": "Team" }));
    let team = team["id"].as_str().unwrap().to_owned();
    let path = format!("/Groups/{team}");
    let named = |name: &'static str| {
        move |call: &Call| {
            call.method == Method::PUT && call.path.contains("/groups/") && call.body.contains(&format!("\"{name}\""))
        }
    };
    let late = keycloak.once(Fault::Late, named("Late"));
    assert_eq!(scene.send(Method::PATCH, &path, &patch("displayName", &json!("Late"))).0, 503);
    scene.leases_run_out();
    let later = patch("displayName", &json!("Later"));
    let renamed = eventually(SOON, || (scene.send(Method::PATCH, &path, &later).0 < 300).then_some(()));
    assert!(renamed.is_some());
    let lifted = Instant::now();
    late.lift();
    keycloak.wait_for(lifted, named("Later"));
    let name = || scene.realm.admin(Method::GET, &format!("/groups/{team}"), None)["name"].clone();
    let mended = eventually(SOON, || (name() == "Later").then_some(()));
    assert!(mended.is_some(), "{}: {}", name(), scene.installation.logs());
    assert_eq!(scene.get(&path).1["displayName"], "Later");
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

//! Further attributes, mapped by the tenant: identity provider → directory → realm → downstream, and what an administrator
//! makes of them in Keycloak.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::keycloak::Realm;
use testkit::third_party::Scim2Server;

use crate::scene::{SOON, Scene, patch};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// What the realm keeps of a user under a name.
fn kept(realm: &Realm, name: &str, attribute: &str) -> Value {
    realm.user(name).unwrap()["attributes"][attribute][0].clone()
}

#[test]
fn mapped_attributes_travel_to_the_realm_and_downstream_and_come_back_where_an_administrator_changes_them() {
    let (scene, downstream) = (Scene::new(Realm::default()), Scim2Server::default());
    let (realm, department) = (&scene.realm, format!("{ENTERPRISE}:department"));
    scene.console.enable_outbound("acme", downstream.url(), downstream.token());
    scene.console.inbound_options("acme", &json!({ "projection": { "title": "jobTitle", &department: "department" } }));
    let arrives = |name: &str, wanted: &dyn Fn(&Value) -> bool| {
        let record = eventually(SOON, || downstream.user(name).filter(|user| wanted(user)));
        record.unwrap_or_else(|| panic!("{:?} {}", downstream.users(), scene.installation.logs()))
    };

    let body = json!({ "userName": "ada@acme.test", "title": "Countess", ENTERPRISE: { "department": "Engines" },
        "nickName": "Ada", "phoneNumbers": [{ "value": "1", "type": "work" }] });
    let (status, made) = scene.send(Method::POST, "/Users", &body);
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        [kept(realm, "ada@acme.test", "jobTitle"), kept(realm, "ada@acme.test", "department")],
        ["Countess", "Engines"]
    );
    let record = arrives("ada@acme.test", &|_| true);
    assert_eq!((&record["title"], &record[ENTERPRISE]["department"]), (&json!("Countess"), &json!("Engines")));
    assert!(record["nickName"].is_null() && record["phoneNumbers"].is_null(), "nobody mapped them: {record}");

    let title = |value: Value| scene.send(Method::PATCH, &format!("/Users/{id}"), &patch("title", &value)).0;
    assert_eq!(title(json!("Lady")), 200);
    assert_eq!(kept(realm, "ada@acme.test", "jobTitle"), "Lady");
    arrives("ada@acme.test", &|user| user["title"] == "Lady" && user[ENTERPRISE]["department"] == "Engines");

    // What belongs to the directory is written back (K13).
    realm.save_user(id, |user| user["attributes"]["department"] = json!(["Looms"]));
    let back = eventually(SOON, || (kept(realm, "ada@acme.test", "department") == "Engines").then_some(()));
    assert!(back.is_some(), "{}", scene.installation.logs());
    assert_eq!(scene.get(&format!("/Users/{id}")).1[ENTERPRISE]["department"], "Engines");

    // Whom SCIM does not manage has them from the realm alone.
    let eve = json!({ "username": "eve@acme.test", "enabled": true,
        "attributes": { "jobTitle": ["Baker"], "department": ["Ovens"] } });
    realm.admin(Method::POST, "/users", Some(&eve));
    arrives("eve@acme.test", &|user| user["title"] == "Baker" && user[ENTERPRISE]["department"] == "Ovens");
    let eve = realm.user("eve@acme.test").unwrap()["id"].as_str().unwrap().to_owned();
    realm.save_user(&eve, |user| drop(user["attributes"].as_object_mut().unwrap().remove("jobTitle")));
    arrives("eve@acme.test", &|user| user["title"].is_null() && user[ENTERPRISE]["department"] == "Ovens");

    // A mapping that comes later is for everybody who is there, and one that goes is for nobody any more.
    let later = json!({ "projection": { "title": "jobTitle", &department: "department", "phoneNumbers": "phone" } });
    scene.console.inbound_options("acme", &later);
    let record = arrives("ada@acme.test", &|user| user["phoneNumbers"][0]["value"] == "1");
    assert_eq!((&record["title"], &kept(realm, "ada@acme.test", "phone")), (&json!("Lady"), &json!("1")));
}

#[test]
fn whoever_comes_in_from_the_realm_brings_the_mapped_attributes() {
    let scene = Scene::new(Realm::default());
    scene.console.inbound_options("acme", &json!({ "projection": { "title": "jobTitle" } }));
    let body = json!({ "username": "old@acme.test", "enabled": true, "attributes": { "jobTitle": ["Smith"] } });
    scene.realm.admin(Method::POST, "/users", Some(&body));
    let id = scene.realm.user("old@acme.test").unwrap()["id"].as_str().unwrap().to_owned();
    let role = scene.realm.admin(Method::GET, "/roles/scim-managed", None);
    scene.realm.admin(Method::POST, &format!("/users/{id}/role-mappings/realm"), Some(&json!([role])));
    scene.becomes(&format!("/Users/{id}"), 200);
    assert_eq!(scene.get(&format!("/Users/{id}")).1["title"], "Smith");
    let found = scene.get("/Users?filter=title+eq+%22smith%22").1;
    assert_eq!(found["totalResults"], 1, "{found}");
}

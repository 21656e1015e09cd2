//! One change travels the whole way: a third-party client → gateway → Keycloak → dispatcher → a third-party server.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::eventually;
use testkit::installation::Installation;
use testkit::keycloak::Realm;
use testkit::third_party::{Scim2Cli, Scim2Server};

use crate::{PROGRAM, front};

/// "Within seconds", of the specification, on a machine that is busy with other tests.
const SECONDS: Duration = Duration::from_secs(20);

#[test]
fn a_user_travels_from_a_third_party_client_through_keycloak_to_a_third_party_server() {
    let installation = Installation::on_keycloak(PROGRAM);
    let (realm, downstream) = (Realm::default(), Scim2Server::default());
    let (console, _control, gateway) = front(&installation);
    let _dispatcher = installation.start("dispatcher");
    console.make_tenant("acme", realm.name());
    console.enable_outbound("acme", downstream.url(), downstream.token());
    let token = console.enable_inbound("acme");
    let base = format!("{}/realms/{}/scim/v2", gateway.url, realm.name());
    let provider = Scim2Cli::new(&base, &token);
    let arrived = |name: &str, wanted: &dyn Fn(&Value) -> bool| {
        let record = eventually(SECONDS, || downstream.user(name).filter(|user| wanted(user)));
        record.unwrap_or_else(|| panic!("downstream holds {:?}", downstream.users()))
    };

    // Created.
    let mut ada = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "ada@acme.test", "externalId": "00u-ada", "active": true,
        "name": { "givenName": "Ada", "familyName": "Byron" },
        "emails": [{ "value": "ada@acme.test", "type": "work", "primary": true }],
    });
    let made = provider.run(&["create", "user"], &ada);
    let id = made["id"].as_str().unwrap();
    let held = realm.user("ada@acme.test").unwrap();
    assert_eq!(held["id"], id, "the SCIM id is the realm user's UUID");
    assert_eq!(
        [&held["email"], &held["firstName"], &held["lastName"], &held["enabled"]],
        [&json!("ada@acme.test"), &json!("Ada"), &json!("Byron"), &json!(true)]
    );
    assert!(realm.roles(id).contains(&"scim-managed".to_owned()), "{:?}", realm.roles(id));
    let record = arrived("ada@acme.test", &|_| true);
    assert_eq!(record["externalId"], id, "downstream knows the realm user's UUID");
    assert_eq!(record["emails"][0]["value"], "ada@acme.test");
    assert_eq!(record["name"], json!({ "givenName": "Ada", "familyName": "Byron" }));
    assert_ne!(record["active"], json!(false));

    // Updated, by PUT.
    ada["id"] = json!(id);
    ada["name"]["familyName"] = json!("Lovelace");
    provider.run(&["replace", "user"], &ada);
    assert_eq!(realm.user("ada@acme.test").unwrap()["lastName"], "Lovelace");
    arrived("ada@acme.test", &|user| user["name"]["familyName"] == "Lovelace");

    // Deactivated and re-activated, by PATCH.
    for active in [false, true] {
        let patch = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "path": "active", "value": active }],
        });
        provider.run(&["modify", "user", id], &patch);
        assert_eq!(realm.user("ada@acme.test").unwrap()["enabled"], active);
        arrived("ada@acme.test", &|user| user["active"] == active);
    }

    // An administrator's edit in Keycloak arrives downstream, and the identity provider sees it.
    realm.save_user(id, |user| user["firstName"] = json!("Augusta Ada"));
    let seen = eventually(Duration::from_secs(15), || {
        downstream.user("ada@acme.test").filter(|user| user["name"]["givenName"] == "Augusta Ada")
    });
    assert!(seen.is_some(), "downstream holds {:?}", downstream.users());
    let read = provider.run(&["query", "user", id], &Value::Null);
    assert_eq!(read["name"]["givenName"], "Augusta Ada");
    assert_eq!(read["externalId"], "00u-ada");
    assert_eq!(downstream.users().len(), 1, "nobody else was pushed");
}

#[test]
fn a_user_an_administrator_makes_in_keycloak_arrives_downstream_and_stays_hidden_from_scim() {
    let installation = Installation::on_keycloak(PROGRAM);
    let (realm, downstream) = (Realm::default(), Scim2Server::default());
    let before = json!({ "username": "old@acme.test", "email": "old@acme.test", "enabled": true });
    realm.admin(reqwest::Method::POST, "/users", Some(&before));
    let (console, _control, gateway) = front(&installation);
    let _dispatcher = installation.start("dispatcher");
    console.make_tenant("acme", realm.name());
    let token = console.enable_inbound("acme");
    console.enable_outbound("acme", downstream.url(), downstream.token());
    let grace = json!({ "username": "grace@acme.test", "email": "grace@acme.test", "firstName": "Grace",
        "lastName": "Hopper", "enabled": true });
    realm.admin(reqwest::Method::POST, "/users", Some(&grace));
    let record = eventually(Duration::from_secs(15), || downstream.user("grace@acme.test"));
    let record = record.unwrap_or_else(|| panic!("nothing arrived: {}", installation.logs()));
    assert_eq!(record["externalId"], realm.user("grace@acme.test").unwrap()["id"]);
    assert!(downstream.user("old@acme.test").is_none(), "enabling pushes nobody");
    let list: Value = testkit::http()
        .get(format!("{}/realms/{}/scim/v2/Users", gateway.url, realm.name()))
        .bearer_auth(&token)
        .send()
        .unwrap()
        .json()
        .unwrap();
    assert_eq!(list["totalResults"], 0, "SCIM sees managed users only");
}

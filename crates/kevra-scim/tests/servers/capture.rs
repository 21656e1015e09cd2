//! What SCIM does to a realm's settings and to an administrator's edits, on a real Keycloak.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::installation::Installation;
use testkit::keycloak::Realm;
use testkit::third_party::Scim2Server;

use crate::{PROGRAM, front};

fn stores(realm: &Realm) -> [bool; 2] {
    let config = realm.admin(Method::GET, "/events/config", None);
    ["eventsEnabled", "adminEventsEnabled"].map(|name| config[name] == true)
}

#[test]
fn capture_switches_off_what_it_switched_on_and_nothing_else() {
    let installation = Installation::on_keycloak(PROGRAM);
    let (console, _control, _gateway) = front(&installation);
    let downstream = Scim2Server::default();
    let (plain, watched) = (Realm::default(), Realm::default());
    let on = json!({ "eventsEnabled": true, "eventsExpiration": 77, "adminEventsEnabled": false,
        "enabledEventTypes": ["LOGIN", "UPDATE_PROFILE"] });
    watched.admin(Method::PUT, "/events/config", Some(&on));
    for (tenant, realm) in [("plain", &plain), ("watched", &watched)] {
        console.make_tenant(tenant, realm.name());
        console.enable_inbound(tenant);
        console.enable_outbound(tenant, downstream.url(), downstream.token());
        assert_eq!(stores(realm), [true, true]);
        console.disable_inbound(tenant);
        assert_eq!(stores(realm), [true, true], "outbound still needs them");
        console.disable_outbound(tenant);
    }
    assert_eq!(stores(&plain), [false, false]);
    assert_eq!(stores(&watched), [true, false]);
    let config = watched.admin(Method::GET, "/events/config", None);
    assert_eq!(config["eventsExpiration"], 77);
    let mut types: Vec<&str> =
        config["enabledEventTypes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    types.sort_unstable();
    assert_eq!(types, ["LOGIN", "UPDATE_PROFILE"], "not those the poll needed");
}

#[test]
fn an_administrators_edit_just_before_a_write_of_ours_is_not_lost_to_the_directory() {
    let installation = Installation::on_keycloak(PROGRAM);
    let (console, _control, gateway) = front(&installation);
    let realm = Realm::default();
    console.make_tenant("acme", realm.name());
    let token = console.enable_inbound("acme");
    let users = format!("{}/realms/{}/scim/v2/Users", gateway.url, realm.name());
    let client = testkit::http();
    let send = |method: Method, url: &str, body: &Value| -> Value {
        client.request(method, url).bearer_auth(&token).json(body).send().unwrap().json().unwrap()
    };
    let ada = json!({ "userName": "ada@acme.test", "name": { "givenName": "Ada", "familyName": "Byron" } });
    let made = send(Method::POST, &users, &ada);
    let id = made["id"].as_str().unwrap();
    // Nobody polls here: what the gateway sees, it sees by itself.
    realm.save_user(id, |user| user["lastName"] = json!("Lovelace"));
    let patch = json!({ "Operations": [{ "op": "replace", "path": "name.givenName", "value": "Augusta" }] });
    let changed = send(Method::PATCH, &format!("{users}/{id}"), &patch);
    assert_eq!(changed["name"], json!({ "givenName": "Augusta", "familyName": "Lovelace" }));
    let held = realm.user("ada@acme.test").unwrap();
    assert_eq!((&held["firstName"], &held["lastName"]), (&json!("Augusta"), &json!("Lovelace")));
}

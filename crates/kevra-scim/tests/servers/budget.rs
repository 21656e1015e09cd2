//! What a request costs the realm, counted there.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::faulty_keycloak::{Call, FaultyKeycloak};

use crate::scene::{Scene, patch};

/// Does something in the realm's steady state and says which calls that took.
fn calls(keycloak: &FaultyKeycloak, work: impl FnOnce()) -> Vec<String> {
    let ((), calls) = keycloak.during(work);
    let named = |call: &Call| {
        assert!(!call.is_for_a_token(), "a token is fetched once for many calls");
        let path =
            call.path.split('?').next().and_then(|path| path.split_once("/admin/realms/")).map_or("", |(_, path)| path);
        let path: Vec<&str> = path.split('/').skip(1).collect();
        let path: Vec<&str> = path.iter().map(|part| if part.len() == 36 { "*" } else { part }).collect();
        format!("{} {}", call.method, path.join("/"))
    };
    calls.iter().map(named).collect()
}

const PROTECTION: &str = "GET users/*/role-mappings/clients/*/composite";

#[test]
fn every_request_keeps_to_its_budget_of_calls() {
    let keycloak = FaultyKeycloak::default();
    let scene = Scene::unwatched(&keycloak);
    let send = |method: Method, path: &str, body: &Value| {
        let (status, answer) = scene.send(method, path, body);
        assert!((200..300).contains(&status), "{path}: {status} {answer}");
        answer
    };
    // The import is over: nobody has to be asked for in the realm before it is made (K8).
    scene.sql("update realm_watch set import_done_at = 1");
    // Warm: the token, the role's id, the id of the administrative client.
    let warm = scene.made("warm@acme.test");
    send(Method::PATCH, &format!("/Users/{warm}"), &patch("name.givenName", &json!("Warm")));

    let user = json!({ "userName": "ada@acme.test", "externalId": "e1", "name": { "givenName": "Ada" } });
    let mut id = String::new();
    let made = calls(&keycloak, || id = send(Method::POST, "/Users", &user)["id"].as_str().unwrap().to_owned());
    assert_eq!(made, ["POST users", "POST users/*/role-mappings/realm"]);
    let path = format!("/Users/{id}");
    let change = |path: &str, body: &Value| calls(&keycloak, || drop(send(Method::PATCH, path, body)));

    for read in [path.as_str(), "/Users?filter=userName+eq+%22ada@acme.test%22", "/Users", "/Groups", "/Schemas"] {
        assert_eq!(calls(&keycloak, || drop(send(Method::GET, read, &Value::Null))), [""; 0], "{read}");
    }
    assert_eq!(change(&path, &patch("title", &json!("Countess"))), [""; 0], "other attributes");
    let first = change(&path, &patch("name.familyName", &json!("Byron")));
    assert_eq!(first, [PROTECTION, "GET users/*", "PUT users/*"], "native fields, and the protection once");
    let both = json!({ "Operations": [
        { "op": "replace", "path": "name.familyName", "value": "Lovelace" },
        { "op": "replace", "path": "externalId", "value": "e2" },
        { "op": "add", "path": "emails", "value": [{ "value": "ada@acme.test", "type": "work" }] },
    ] });
    assert_eq!(change(&path, &both), ["GET users/*", "PUT users/*"], "native fields within the same minute");
    assert_eq!(change(&path, &both), [""; 0], "no difference");
    let off = change(&path, &patch("active", &json!(false)));
    assert_eq!(off, ["PUT users/*", "POST users/*/logout"], "disable");
    assert_eq!(change(&path, &patch("active", &json!(false))), off, "disable, whatever the directory believes");
    assert_eq!(change(&path, &patch("active", &json!(true))), ["POST users/*/logout", "PUT users/*"], "enable");
    off_and_on_with_other_changes(&keycloak, &scene, &id);

    let mut group = String::new();
    let body = json!({ "displayName": "Guides", "members": [{ "value": id }] });
    let made = calls(&keycloak, || group = send(Method::POST, "/Groups", &body)["id"].as_str().unwrap().to_owned());
    assert_eq!(made, ["POST groups", "PUT users/*/groups/*"]);
    let path_of_group = format!("/Groups/{group}");
    let join = |id: &str| json!({ "Operations": [{ "op": "add", "path": "members", "value": [{ "value": id }] }] });
    let leave = |id: &str| json!({ "Operations": [{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }] });
    let first = change(&path_of_group, &join(&warm));
    assert_eq!(first.last().map(String::as_str), Some("PUT users/*/groups/*"), "{first:?}");
    assert_eq!(change(&path_of_group, &leave(&warm)), ["DELETE users/*/groups/*"], "one call per member");
    assert_eq!(change(&path_of_group, &join(&id)), [""; 0], "who is a member already");

    let gone = calls(&keycloak, || drop(send(Method::DELETE, &path, &Value::Null)));
    assert_eq!(gone, ["DELETE users/*"]);
}

/// As Okta and Entra ID send it, with whatever else they have: no call more than by itself. Keycloak takes attributes all or
/// none, so that one of those has to be read with the others first.
fn off_and_on_with_other_changes(keycloak: &FaultyKeycloak, scene: &Scene, id: &str) {
    let (path, off) = (format!("/Users/{id}"), ["PUT users/*", "POST users/*/logout"]);
    let saved = |family: &str, active: bool| {
        let body = json!({ "userName": "ada@acme.test", "externalId": "e2", "active": active,
            "name": { "givenName": "Ada", "familyName": family }, "emails": [{ "value": format!("{family}@acme.test") }] });
        calls(keycloak, || drop(scene.send(Method::PUT, &path, &body)))
    };
    let held = || scene.realm.user("ada@acme.test").unwrap();
    let state = |field: &str| [held()["lastName"].clone(), held()["email"].clone(), held()[field].clone()];
    // Others write meanwhile, and nobody has told the directory yet.
    scene.realm.save_user(id, |user| user["firstName"] = json!("Augusta"));
    assert_eq!(saved("king", false), off, "off, with a name and an address");
    assert_eq!(state("enabled"), [json!("king"), json!("king@acme.test"), json!(false)]);
    assert_eq!(saved("byron", true), ["POST users/*/logout", "PUT users/*"], "on, likewise");
    assert_eq!(state("firstName"), [json!("byron"), json!("byron@acme.test"), json!("Augusta")], "theirs is not lost");
    let kept = held()["attributes"].clone();
    assert_eq!((&kept["scimExternalId"], kept["scimManaged"].is_array()), (&json!(["e2"]), true), "{kept}");
    assert_eq!(held()["enabled"], true);
    let both = json!({ "Operations": [{ "op": "replace", "value": { "active": false, "externalId": "e3" } }] });
    let with_an_attribute = calls(keycloak, || drop(scene.send(Method::PATCH, &path, &both)));
    assert_eq!(with_an_attribute, ["GET users/*", off[0], off[1]], "off, with an attribute");
    assert_eq!(held()["attributes"]["scimExternalId"], json!(["e3"]));
    assert_eq!(saved("byron", true).len(), 3);
}

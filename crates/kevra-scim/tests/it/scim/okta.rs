//! Okta as it behaves: OIN and AIW apps, returning users, group push, import (reference section 3.1).

use std::sync::OnceLock;

use serde_json::{Value, json};
use testkit::unique;

use super::wire::{CORE_USER, Reply, Tenant};

fn tenant() -> &'static Tenant {
    static TENANT: OnceLock<Tenant> = OnceLock::new();
    TENANT.get_or_init(|| Tenant::with("okta", json!({ "idp_profile": "okta" })))
}

fn person(name: &str, external: &str) -> Value {
    json!({
        "schemas": [CORE_USER], "userName": name, "name": { "givenName": "Test", "familyName": "User" },
        "emails": [{ "primary": true, "value": name, "type": "work" }], "displayName": "Test User", "locale": "en-US",
        "externalId": external, "groups": [], "password": "1mz050nq", "active": true
    })
}

/// A request with Okta's own headers.
fn okta(method: &str, path: &str, body: Option<&Value>) -> Reply {
    let request = tenant().request(method, path).header("user-agent", "Okta SCIM Client 1.0.0");
    let request = request.header("accept", "application/scim+json").header("accept-charset", "utf-8");
    let request = request.header("content-type", "application/scim+json; charset=utf-8");
    let request = match body {
        Some(body) => request.body(body.to_string()),
        None => request,
    };
    Reply::of(request.send().unwrap())
}

fn created() -> (String, Value) {
    let made =
        okta("POST", "/Users", Some(&person(&format!("{}@okta.local", unique("okta")), &unique("00u")))).expect(201);
    (format!("/Users/{}", made.id()), made.body)
}

fn deactivate(path: &str) -> Reply {
    okta(
        "PATCH",
        path,
        Some(&json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "value": { "active": false } }] })),
    )
}

#[test]
fn credentials_are_tested_with_two_lists() {
    for path in ["/Users?count=2&startIndex=1", "/Groups?count=100&startIndex=1"] {
        let reply = okta("GET", path, None).expect(200);
        for number in ["totalResults", "startIndex", "itemsPerPage"] {
            assert!(reply.body[number].is_u64(), "{number}: {}", reply.text);
        }
        assert!(reply.body["Resources"].is_array());
    }
}

#[test]
fn an_assignment_looks_first_and_then_creates() {
    let name = format!("{}@okta.local", unique("test.user"));
    let query = format!("/Users?filter=userName%20eq%20%22{}%22&startIndex=1&count=100", name.replace('@', "%40"));
    assert_eq!(okta("GET", &query, None).expect(200).body["Resources"], json!([]));
    let sent = person(&name, &unique("00u"));
    let made = okta("POST", "/Users", Some(&sent)).expect(201);
    for name in ["userName", "name", "emails", "displayName", "locale", "externalId", "active"] {
        assert_eq!(made.body[name], sent[name], "{name}");
    }
    assert_eq!(made.header("location"), made.body["meta"]["location"].as_str());
    assert!(!made.text.contains("password") && !made.text.contains("1mz050nq") && !made.text.contains("groups"));
    let found = okta("GET", &query, None).expect(200);
    assert_eq!((found.total(), &found.body["Resources"][0]), (1, &made.body));
    okta("POST", "/Users", Some(&sent)).refused(409, Some("uniqueness"));
}

#[test]
fn an_update_puts_back_what_was_read() {
    let (path, mut whole) = created();
    whole["name"]["givenName"] = json!("Changed");
    whole["groups"] = json!([]);
    whole["title"] = json!("Boss");
    let put = okta("PUT", &path, Some(&whole)).expect(200);
    assert_eq!((&put.body["name"]["givenName"], &put.body["title"]), (&json!("Changed"), &json!("Boss")));
    assert_ne!(put.version(), whole["meta"]["version"].as_str().unwrap());
    let again = okta("PUT", &path, Some(&put.body)).expect(200);
    assert_eq!(again.body, put.body, "nothing changed");
}

#[test]
fn an_aiw_app_deactivates_by_put_and_a_put_without_active_does_not_bring_back() {
    let (path, mut whole) = created();
    whole["active"] = json!(false);
    assert_eq!(okta("PUT", &path, Some(&whole)).expect(200).body["active"], false);
    whole.as_object_mut().unwrap().remove("active");
    assert_eq!(okta("PUT", &path, Some(&whole)).expect(200).body["active"], false);
    whole["active"] = json!(true);
    assert_eq!(okta("PUT", &path, Some(&whole)).expect(200).body["active"], true);
}

#[test]
fn a_deactivation_touches_nothing_else() {
    let (path, before) = created();
    let after = deactivate(&path).expect(200).body;
    assert_eq!(after["active"], false);
    for name in ["userName", "name", "emails", "displayName", "locale", "externalId", "schemas", "id"] {
        assert_eq!(after[name], before[name], "{name}");
    }
}

#[test]
fn a_returning_user_keeps_its_id() {
    let (path, before) = created();
    deactivate(&path).expect(200);
    let (name, external) = (before["userName"].as_str().unwrap(), before["externalId"].as_str().unwrap());
    let mut again = person(name, external);
    again["displayName"] = json!("Is back");
    let made = okta("POST", "/Users", Some(&again)).expect(201);
    assert_eq!(
        (made.id(), &made.body["active"], &made.body["displayName"]),
        (&path["/Users/".len()..], &json!(true), &json!("Is back"))
    );
    assert_eq!(made.header("location"), made.body["meta"]["location"].as_str());
    okta("POST", "/Users", Some(&again)).refused(409, Some("uniqueness"));
    deactivate(&path).expect(200);
    let stranger = person(name, &unique("00u"));
    okta("POST", "/Users", Some(&stranger)).refused(409, Some("uniqueness"));
    assert_eq!(tenant().get(&path).body["active"], false, "a conflict brings nobody back");
}

#[test]
fn a_returning_user_with_another_name_keeps_its_id_too() {
    let (path, before) = created();
    deactivate(&path).expect(200);
    let name = format!("{}@okta.local", unique("renamed"));
    let again = person(&name, before["externalId"].as_str().unwrap());
    let made = okta("POST", "/Users", Some(&again)).expect(201);
    assert_eq!((made.id(), made.body["userName"].as_str()), (&path["/Users/".len()..], Some(name.as_str())));
    assert_eq!(tenant().find("/Users", &format!("userName eq {}", before["userName"])).total(), 0);
    // While the record is active its externalId is taken, whatever the name.
    let third = person(&format!("{}@okta.local", unique("third")), before["externalId"].as_str().unwrap());
    okta("POST", "/Users", Some(&third)).refused(409, Some("uniqueness"));
}

#[test]
fn a_password_is_taken_and_never_told() {
    let (path, before) = created();
    let sync = json!({ "Operations": [{ "op": "replace", "value": { "password": "Secret-canary-1" } }] });
    let reply = okta("PATCH", &path, Some(&sync)).expect(200);
    assert_eq!(reply.body["meta"]["version"], before["meta"]["version"], "a password that is not kept is no change");
    for path in [
        path.clone(),
        format!("{path}?attributes=password"),
        "/Users?filter=password+pr".to_owned(),
        "/Users?filter=password+eq+%22Secret-canary-1%22".to_owned(),
    ] {
        let reply = tenant().get(&path);
        assert!(
            !reply.text.contains("canary") && !reply.body.to_string().contains("\"password\""),
            "{path}: {}",
            reply.text
        );
        assert!(reply.status == 400 || !path.contains("filter") || reply.total() == 0, "{}", reply.text);
    }
}

#[test]
fn a_group_is_pushed_and_its_id_asserted_again_and_again() {
    let name = unique("Test SCIMv2");
    let made = okta(
        "POST",
        "/Groups",
        Some(
            &json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": [] }),
        ),
    );
    let made = made.expect(201);
    let (path, ids) = (format!("/Groups/{}", made.id()), tenant().users(3));
    let assert_id = json!({ "op": "replace", "value": { "id": made.id(), "displayName": name } });
    let quiet = okta("PATCH", &path, Some(&json!({ "Operations": [assert_id] }))).expect(200);
    assert_eq!(quiet.version(), made.version());
    let members = |ids: &[String]| -> Vec<Value> {
        ids.iter().map(|id| json!({ "value": id, "display": "test.user@okta.local" })).collect()
    };
    okta(
        "PATCH",
        &path,
        Some(&json!({ "Operations": [assert_id, { "op": "add", "path": "members", "value": members(&ids[..2]) }] })),
    )
    .expect(200);
    let moved = json!({ "Operations": [
        { "op": "remove", "path": format!("members[value eq \"{}\"]", ids[0]) }, { "op": "add", "path": "members", "value": members(&ids[2..]) }] });
    assert_eq!(okta("PATCH", &path, Some(&moved)).expect(200).values("members"), ids[1..]);
    let all = json!({ "Operations": [{ "op": "replace", "path": "members", "value": members(&ids) }] });
    assert_eq!(okta("PATCH", &path, Some(&all)).expect(200).values("members").len(), 3);
    let none = json!({ "Operations": [{ "op": "replace", "path": "members", "value": [] }] });
    assert!(okta("PATCH", &path, Some(&none)).expect(200).values("members").is_empty());
    let query = format!("/Groups?filter=displayName%20eq%20%22{}%22&startIndex=1&count=100", name.replace(' ', "%20"));
    assert_eq!(okta("GET", &query, None).expect(200).body["Resources"][0]["id"], made.id());
    let whole = json!({ "id": made.id(), "displayName": name, "members": [{ "value": ids[1], "display": null }] });
    assert_eq!(okta("PUT", &path, Some(&whole)).expect(200).values("members"), ids[1..2]);
    okta("DELETE", &path, None).expect(204);
    okta("GET", &path, None).refused(404, None);
}

//! Microsoft's validator: "Add Attributes Verbose" creates a user with a name only, then fills absent arrays by value
//! paths. Each type has to become one element, names a hierarchy, and the extension's URN appear.

use scim::schema::USER;
use serde_json::{Value, json};

use crate::support::*;

fn operations() -> Vec<(String, Value)> {
    let mut operations: Vec<(String, Value)> = [
        ("displayName", json!("d")),
        ("title", json!("t")),
        ("nickName", json!("n")),
        ("userType", json!("u")),
        ("preferredLanguage", json!("en")),
        ("locale", json!("en-GB")),
        ("timezone", json!("Africa/Cairo")),
        ("profileUrl", json!("https://acme.test/p")),
        ("active", json!("True")),
        ("externalId", json!("e")),
        ("emails[type eq \"work\"].value", json!("w@acme.test")),
        ("emails[type eq \"work\"].primary", json!("true")),
        ("name.givenName", json!("g")),
        ("name.familyName", json!("f")),
        ("name.formatted", json!("g f")),
        ("name.middleName", json!("m")),
        ("name.honorificPrefix", json!("p")),
        ("name.honorificSuffix", json!("s")),
        ("addresses[type eq \"work\"].formatted", json!("a")),
        ("addresses[type eq \"work\"].streetAddress", json!("b")),
        ("addresses[type eq \"work\"].locality", json!("c")),
        ("addresses[type eq \"work\"].region", json!("d")),
        ("addresses[type eq \"work\"].postalCode", json!("e")),
        ("addresses[type eq \"work\"].primary", json!(true)),
        ("addresses[type eq \"work\"].country", json!("f")),
        ("phoneNumbers[type eq \"work\"].value", json!("1")),
        ("phoneNumbers[type eq \"work\"].primary", json!(true)),
        ("phoneNumbers[type eq \"mobile\"].value", json!("2")),
        ("phoneNumbers[type eq \"fax\"].value", json!("3")),
        ("roles[primary eq \"True\"].display", json!("R")),
        ("roles[primary eq \"True\"].value", json!("r")),
    ]
    .map(|(path, value)| (path.to_owned(), value))
    .into();
    for name in ["employeeNumber", "costCenter", "organization", "division", "department"] {
        operations.push((format!("{ENTERPRISE}:{name}"), json!(name)));
    }
    operations
}

fn expected() -> Value {
    json!({
        "userName": "v", "displayName": "d", "title": "t", "nickName": "n", "userType": "u", "preferredLanguage": "en",
        "locale": "en-GB", "timezone": "Africa/Cairo", "profileUrl": "https://acme.test/p", "active": true,
        "externalId": "e",
        "emails": [{ "type": "work", "value": "w@acme.test", "primary": true }],
        "name": {
            "givenName": "g", "familyName": "f", "formatted": "g f", "middleName": "m", "honorificPrefix": "p",
            "honorificSuffix": "s"
        },
        "addresses": [{
            "type": "work", "formatted": "a", "streetAddress": "b", "locality": "c", "region": "d", "postalCode": "e",
            "primary": true, "country": "f"
        }],
        "phoneNumbers": [
            { "type": "work", "value": "1", "primary": true }, { "type": "mobile", "value": "2" },
            { "type": "fax", "value": "3" }
        ],
        "roles": [{ "primary": true, "display": "R", "value": "r" }],
        ENTERPRISE: {
            "employeeNumber": "employeeNumber", "costCenter": "costCenter", "organization": "organization",
            "division": "division", "department": "department"
        }
    })
}

#[test]
fn thirty_six_operations_fill_an_empty_user() {
    assert_eq!(operations().len(), 36);
    let bare = user(json!({ "userName": "v" }));
    let with_path: Vec<Value> =
        operations().iter().map(|(path, value)| json!({ "op": "add", "path": path, "value": value })).collect();
    let after = patched(&bare, json!(with_path));
    assert_eq!(Value::Object(after.clone()), expected());
    assert_eq!(rendered(&USER, &after)["schemas"][1], ENTERPRISE);
    // The same once more changes nothing.
    assert!(try_patch(&USER, &after, json!(with_path)).unwrap().changed.is_empty());
}

#[test]
fn the_same_without_path_comes_to_the_same() {
    let bare = user(json!({ "userName": "v" }));
    let value: scim::Object = operations().into_iter().collect();
    assert_eq!(Value::Object(patched(&bare, json!([{ "op": "add", "value": value }]))), expected());
}

#[test]
fn filled_attributes_are_replaced_and_removed_the_same_way() {
    let full = user(expected());
    let replace: Vec<Value> = operations()
        .iter()
        .filter(|(_, value)| value.is_string() && *value != "True" && *value != "true")
        .map(|(path, _)| json!({ "op": "Replace", "path": path, "value": "new" }))
        .collect();
    let after = patched(&full, json!(replace));
    assert_eq!((&after["addresses"][0]["country"], &after["roles"][0]["value"]), (&json!("new"), &json!("new")));
    assert_eq!(after["phoneNumbers"].as_array().unwrap().len(), 3);
    let remove: Vec<Value> =
        operations().iter().map(|(path, value)| json!({ "op": "Remove", "path": path, "value": value })).collect();
    let after = patched(&full, json!(remove));
    assert!(!after.contains_key("name") && !after.contains_key(ENTERPRISE) && !after.contains_key("displayName"));
}

#[test]
fn several_operations_on_members_follow_each_other() {
    let team = group(json!({ "displayName": "x", "members": ["a", "b"] }));
    let after = patched_group(
        &team,
        json!([
            { "op": "remove", "path": "members[value eq \"a\"]" }, { "op": "add", "path": "members", "value": [{ "value": "c" }] }
        ]),
    );
    assert_eq!(ids(&after), ["b", "c"]);
}

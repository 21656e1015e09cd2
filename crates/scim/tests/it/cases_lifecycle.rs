//! Lifecycle cases 40 to 53 and the bodies of cases 63, 65 and 66, as far as they are decided here.

use scim::schema::USER;
use scim::{Error, document};
use serde_json::{Value, json};

use crate::support::*;

#[test]
fn case_41_a_conflict_is_a_whole_error() {
    assert_eq!(
        Error::taken("userName").to_json(),
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": "409",
            "scimType": "uniqueness",
            "detail": "another resource has this userName"
        })
    );
}

#[test]
fn case_47_a_user_name_may_change() {
    assert_eq!(patched(&ada(), json!([{ "op": "replace", "path": "userName", "value": "l" }]))["userName"], "l");
}

#[test]
fn case_48_the_case_sent_is_the_case_shown() {
    assert_eq!(rendered(&USER, &user(json!({ "userName": "ÅDA@Acme.Test" })))["userName"], "ÅDA@Acme.Test");
}

#[test]
fn case_49_a_put_without_active_keeps_it() {
    let mut off = ada();
    off.insert("active".to_owned(), json!(false));
    assert_eq!(document::replace(&USER, &off, &json!({ "userName": "a" })).unwrap()["active"], false);
    assert_eq!(document::replace(&USER, &off, &json!({ "userName": "a", "active": null })).unwrap()["active"], false);
    assert_eq!(document::replace(&USER, &off, &json!({ "userName": "a", "active": true })).unwrap()["active"], true);
}

#[test]
fn case_50_a_put_clears_what_it_leaves_out() {
    let after = document::replace(&USER, &ada(), &json!({ "userName": "a" })).unwrap();
    assert_eq!(Value::Object(after), json!({ "userName": "a", "active": true }));
}

#[test]
fn case_51_an_id_sent_is_ignored() {
    let sent =
        json!({ "id": "other-tenant", "meta": { "version": "x" }, "groups": [{ "value": "g" }], "userName": "a" });
    assert_eq!(Value::Object(user(sent.clone())), json!({ "userName": "a" }));
    assert_eq!(
        Value::Object(document::replace(&USER, &user(sent.clone()), &sent).unwrap()),
        json!({ "userName": "a" })
    );
}

#[test]
fn case_53_a_password_goes_no_further() {
    let sent = user(json!({ "userName": "a", "password": "1mz050nq" }));
    assert!(!sent.contains_key("password"));
    let operations = json!([{ "op": "replace", "value": { "password": "1mz050nq" } }]);
    let applied = try_patch(&USER, &ada(), operations).unwrap();
    assert!(applied.changed.is_empty());
    let shown = scim::projection::Projection::parse(&USER, Some("password"), None).unwrap();
    assert!(!shown.apply(&USER, rendered(&USER, &sent)).contains_key("password"));
}

#[test]
fn case_63_an_emptied_extension_goes_with_its_urn() {
    let path = format!("{ENTERPRISE}:department");
    let bare = user(json!({ "userName": "a", ENTERPRISE: { "department": "x" } }));
    let after = patched(&bare, json!([{ "op": "remove", "path": path }]));
    assert!(!after.contains_key(ENTERPRISE));
    assert_eq!(rendered(&USER, &after)["schemas"].as_array().unwrap().len(), 1);
    let sent = user(json!({ "userName": "a", ENTERPRISE: { "department": null, "unknown": 1 } }));
    assert!(!sent.contains_key(ENTERPRISE));
    let without = scim::projection::Projection::parse(&USER, None, Some(&path)).unwrap();
    let shown = without.apply(&USER, rendered(&USER, &bare));
    assert!(!shown.contains_key(ENTERPRISE));
    assert_eq!(shown["schemas"].as_array().unwrap().len(), 1);
}

#[test]
fn case_65_nulls_unknown_attributes_and_unknown_urns_are_ignored() {
    let entra = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:mistyped:User"],
        "meta": { "resourceType": "User" }, "userName": "a", "roles": [], "addresses": null, "title": null,
        "department": null, "manager": null, "shoeSize": 44, "urn:acme:unknown": { "x": 1 }
    });
    assert_eq!(Value::Object(user(entra)), json!({ "userName": "a" }));
}

#[test]
fn case_66_a_patch_that_changes_nothing_says_so() {
    for operations in [
        json!([{ "op": "replace", "path": "title", "value": "Countess" }]),
        json!([{ "op": "add", "path": "emails", "value": { "value": "ada@home.test", "type": "home" } }]),
        json!([{ "op": "remove", "path": "nickName" }]),
        json!([{ "op": "remove", "path": "emails[type eq \"other\"]" }]),
        json!([{ "op": "add", "value": {} }]),
        json!([{ "op": "add", "path": "nickName", "value": "x" }, { "op": "remove", "path": "nickName" }]),
        json!([{ "op": "replace", "path": "emails[type eq \"work\"].primary", "value": "true" }]),
        json!([{ "op": "remove", "path": "emails" }, { "op": "add", "path": "emails", "value": ada()["emails"] }]),
    ] {
        assert!(try_patch(&USER, &ada(), operations.clone()).unwrap().changed.is_empty(), "{operations}");
    }
}

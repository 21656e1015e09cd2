//! Sorting (RFC 7644 §3.4.2.3).

use scim::schema::{ResourceType, USER};
use scim::sort::{Key, Sort};
use serde_json::{Value, json};

use crate::support::*;

fn order(sort_by: &str, sort_order: Option<&str>, bodies: &[Value]) -> Vec<String> {
    let sort = Sort::parse(&USER, sort_by, sort_order).unwrap();
    let mut keyed: Vec<(Key, String)> = bodies
        .iter()
        .map(|body| {
            let resource = rendered(&USER, &user(body.clone()));
            (sort.key(&resource), body["userName"].as_str().unwrap().to_owned())
        })
        .collect();
    keyed.sort_by(|left, right| sort.compare(&left.0, &right.0));
    keyed.into_iter().map(|(_, name)| name).collect()
}

#[test]
fn the_missing_come_last_ascending_and_first_descending() {
    let people = [
        json!({ "userName": "none" }),
        json!({ "userName": "b", "title": "b" }),
        json!({ "userName": "a", "title": "A" }),
        json!({ "userName": "blank", "title": "" }),
    ];
    assert_eq!(order("title", None, &people), ["a", "b", "none", "blank"]);
    assert_eq!(order("TITLE", Some("Descending"), &people), ["none", "blank", "b", "a"]);
}

#[test]
fn several_values_sort_by_the_primary_else_the_first() {
    let people = [
        json!({ "userName": "x", "emails": [{ "value": "z@x" }, { "value": "a@x", "primary": true }] }),
        json!({ "userName": "y", "emails": [{ "value": "b@x", "type": "work" }, { "value": "a@a" }] }),
    ];
    assert_eq!(order("emails", None, &people), ["x", "y"]);
    assert_eq!(order("emails.value", Some("descending"), &people), ["y", "x"]);
    assert_eq!(order("emails.type", None, &people), ["y", "x"]);
}

#[test]
fn letter_case_counts_only_where_it_is_exact() {
    let people = [
        json!({ "userName": "B", "externalId": "b" }),
        json!({ "userName": "a", "externalId": "C" }),
        json!({ "userName": "Ａｂ", "externalId": "A" }),
    ];
    assert_eq!(order("userName", None, &people), ["a", "Ａｂ", "B"]);
    assert_eq!(order("externalId", None, &people), ["Ａｂ", "a", "B"]);
}

#[test]
fn sub_attributes_booleans_and_instants_sort() {
    let people = [
        json!({ "userName": "x", "active": true, "name": { "familyName": "B" } }),
        json!({ "userName": "y", "active": false, "name": { "familyName": "a" } }),
    ];
    assert_eq!(order("name.familyName", None, &people), ["y", "x"]);
    assert_eq!(order("active", None, &people), ["y", "x"]);
    let sort = Sort::parse(&USER, "meta.lastModified", None).unwrap();
    let at = |text: &str| sort.key(json!({ "meta": { "lastModified": text } }).as_object().unwrap());
    assert!(sort.compare(&at("2020-01-01T00:00:00+02:00"), &at("2019-12-31T23:00:00Z")).is_lt());
    assert_eq!(at("never"), Key::Missing);
}

#[test]
fn what_cannot_be_sorted_by_is_refused() {
    let resource: &ResourceType = &USER;
    for sort_by in ["shoeSize", "name", "addresses", "", "emails[type eq \"work\"]", ENTERPRISE, "members", "meta"] {
        assert!(Sort::parse(resource, sort_by, None).is_err(), "{sort_by}");
    }
    assert!(Sort::parse(resource, "manager", Some("")).is_ok());
    assert_eq!(
        Sort::parse(resource, "NAME.familyname", Some("descending")).unwrap().to_string(),
        "name.familyName descending"
    );
}

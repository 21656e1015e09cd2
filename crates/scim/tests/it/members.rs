//! Deltas of members: what folds, what needs the current members, and that both come to the same.

use scim::members::{self, Delta, Member};
use scim::patch::{self, Options};
use scim::schema::GROUP;
use scim::{Error, ScimType};
use serde_json::{Value, json};

use crate::support::*;

fn delta_of(operations: Value) -> Result<Delta, Error> {
    let patch = patch::parse(&json!({ "Operations": operations }))?;
    let (_, membership) = members::divide(&GROUP, patch, Options::default())?;
    assert!(!membership.needs_current(), "{operations}");
    Ok(membership.delta().unwrap().clone())
}

fn added(delta: &Delta) -> Vec<&str> {
    delta.add.iter().map(|member| member.value.as_str()).collect()
}

fn removed(delta: &Delta) -> Vec<&str> {
    delta.remove.iter().map(String::as_str).collect()
}

#[test]
fn every_form_of_a_list_of_members_is_read() {
    for (value, expected) in [
        (json!([{ "value": "a" }, { "value": "b" }, { "value": "a" }]), vec!["a", "b"]),
        (json!({ "value": "a" }), vec!["a"]),
        (json!("a"), vec!["a"]),
        (json!(["a", { "VALUE": "b" }]), vec!["a", "b"]),
        (json!([]), vec![]),
        (json!(null), vec![]),
        (json!([null]), vec![]),
    ] {
        assert_eq!(added(&delta_of(json!([{ "op": "add", "path": "members", "value": value }])).unwrap()), expected);
        assert_eq!(added(&delta_of(json!([{ "op": "add", "value": { "Members": value } }])).unwrap()), expected);
        let swapped = delta_of(json!([{ "op": "replace", "path": "members", "value": value }])).unwrap();
        assert_eq!((swapped.clear, added(&swapped)), (true, expected));
    }
}

#[test]
fn changes_apply_in_their_order() {
    let delta = delta_of(json!([
        { "op": "add", "path": "members", "value": [{ "value": "a" }, { "value": "b" }] },
        { "op": "remove", "path": "members[value eq \"a\"]" },
        { "op": "remove", "path": "members[value eq \"c\" or value eq \"d\"]" },
        { "op": "add", "path": "members", "value": [{ "value": "d" }] }
    ]));
    let delta = delta.unwrap();
    assert_eq!((delta.clear, added(&delta), removed(&delta)), (false, vec!["b", "d"], vec!["a", "c"]));
    let delta = delta_of(json!([
        { "op": "add", "path": "members", "value": "a" },
        { "op": "remove", "path": "members" },
        { "op": "remove", "path": "members[value eq \"z\"]" },
        { "op": "add", "path": "members", "value": "b" }
    ]));
    let delta = delta.unwrap();
    assert_eq!((delta.clear, added(&delta), removed(&delta)), (true, vec!["b"], vec![]));
}

#[test]
fn what_says_nothing_of_members_changes_none() {
    for operations in [
        json!([{ "op": "replace", "value": { "displayName": "x", "id": "g" } }]),
        json!([{ "op": "replace", "path": "externalId", "value": "x" }]),
        json!([{ "op": "remove", "path": "members", "value": [] }]),
    ] {
        assert!(delta_of(operations).unwrap().is_empty());
    }
}

#[test]
fn a_member_without_value_is_refused() {
    for value in [json!([{ "display": "x" }]), json!({ "value": "" }), json!([{}]), json!(5), json!([{ "value": 5 }])] {
        for operation in ["add", "replace", "remove"] {
            let failed = delta_of(json!([{ "op": operation, "path": "members", "value": value }]));
            assert_eq!(refusal(failed), (400, Some(ScimType::InvalidValue)), "{operation} {value}");
        }
        let body = json!({ "displayName": "x", "members": value });
        assert_eq!(refusal(scim::document::accept(&GROUP, &body)), (400, Some(ScimType::InvalidValue)));
    }
}

#[test]
fn one_failing_operation_fails_the_members_too() {
    let failed = delta_of(json!([
        { "op": "add", "path": "members", "value": "a" }, { "op": "add", "path": "nosuch", "value": "a" }
    ]));
    assert_eq!(refusal(failed), (400, Some(ScimType::InvalidPath)));
}

#[test]
fn a_path_that_asks_more_than_the_id_needs_the_current_members() {
    let team = [Member::new("a"), Member { kind: Some("Group".to_owned()), ..Member::new("g") }];
    for (operation, left) in [
        (json!({ "op": "remove", "path": "members[type eq \"User\"]" }), vec!["g"]),
        (json!({ "op": "remove", "path": "members[not (value eq \"a\")]" }), vec!["a"]),
        (json!({ "op": "remove", "path": "members[value eq \"a\" and type eq \"Group\"]" }), vec!["a", "g"]),
        (json!({ "op": "add", "path": "members[value eq \"n\"]", "value": { "type": "User" } }), vec!["a", "g", "n"]),
    ] {
        let body = json!({ "Operations": [{ "op": "add", "path": "members", "value": "z" }, operation, {
            "op": "remove", "path": "members[value eq \"z\"]"
        }] });
        let patch = patch::parse(&body).unwrap();
        let (_, membership) = members::divide(&GROUP, patch, Options::default()).unwrap();
        assert!(membership.needs_current() && membership.delta().is_none(), "{operation}");
        let after = membership.resolve(&team).unwrap().apply(&team);
        assert_eq!(after.iter().map(|member| member.value.as_str()).collect::<Vec<_>>(), left, "{operation}");
    }
    let change = json!({ "Operations": [{ "op": "replace", "path": "members[value eq \"a\"].value", "value": "b" }] });
    let (_, membership) = members::divide(&GROUP, patch::parse(&change).unwrap(), Options::default()).unwrap();
    assert_eq!(refusal(membership.resolve(&team)), (400, Some(ScimType::Mutability)));
    assert_eq!(refusal(membership.resolve(&[])), (400, Some(ScimType::NoTarget)));
}

#[test]
fn a_value_path_adds_members_by_their_id_and_once() {
    let team = group(json!({ "displayName": "x", "members": ["a"] }));
    let add = |filter: &str| {
        let path = format!("members[{filter}]");
        try_patch(&GROUP, &team, json!([{ "op": "add", "path": path, "value": { "type": "User" } }]))
    };
    assert_eq!(refusal(add("type eq \"Group\"")), (400, Some(ScimType::InvalidValue)));
    assert_eq!(refusal(add("value eq \"\"")), (400, Some(ScimType::InvalidValue)));
    assert!(add("value eq \"a\" and type eq \"Group\"").unwrap().changed.is_empty());
    assert_eq!(ids(&add("value eq \"b\"").unwrap().document), ["a", "b"]);
}

#[test]
fn members_are_taken_out_of_a_body_once_each() {
    let mut team = group(json!({ "displayName": "x", "members": [{ "value": "a" }, "b", { "value": "a" }] }));
    let members = members::split(&mut team).unwrap();
    assert_eq!(members.iter().map(|member| member.value.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(Value::Object(team.clone()), json!({ "displayName": "x" }));
    assert!(members::split(&mut team).unwrap().is_empty());
}

#[test]
fn members_are_shown_with_their_reference() {
    let member = Member { display: Some("Ada".to_owned()), ..Member::new("a") };
    assert_eq!(
        members::render(&[member], BASE),
        json!([{ "value": "a", "$ref": format!("{BASE}/Users/a"), "display": "Ada", "type": "User" }])
    );
    assert_eq!(members::render_groups([("g", "Team")], BASE)[0]["$ref"], format!("{BASE}/Groups/g"));
}

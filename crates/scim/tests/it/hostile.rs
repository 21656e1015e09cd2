//! Input made to hurt: long, deep, broken. Every piece of it has to end in an error, and soon: the crate bounds its
//! work by limits, so these tests would not end, or overflow the stack, if a limit were missing.

use scim::filter::Filter;
use scim::projection::Projection;
use scim::schema::{GROUP, USER};
use scim::{ScimType, bulk, document, json as body, members, patch};
use serde_json::{Value, json};

use crate::support::*;

const SIZE: usize = 64 * 1_024;

fn bombs() -> Vec<String> {
    let pieces = [
        "(",
        ")",
        "not (",
        "not(not(",
        "a.",
        "a.a.a",
        "[",
        "]",
        "\"\\",
        "\\",
        "\"",
        "emails[",
        "emails[type eq \"x\" and ",
        "title pr or ",
        "title pr and ",
        "title eq \"x\" or ",
        " ",
        "\u{0}",
        "ü",
        "😀",
        "urn:",
        "title ",
        "9",
        "-",
        "1e",
        "null ",
        "true",
        "emails[type eq \"x\"].",
        "(title pr) and (",
        "\t",
    ];
    let mut bombs: Vec<String> = pieces.iter().map(|piece| piece.repeat(SIZE / piece.len())).collect();
    // Within the limit of length, where the others count.
    bombs.extend(pieces.iter().map(|piece| piece.repeat(2_000 / piece.len())));
    bombs.push(format!("title eq \"{}\"", "x".repeat(SIZE)));
    bombs.push(format!("title eq {}", "9".repeat(2_000)));
    bombs.push(format!("title eq 1e{}", "9".repeat(1_000)));
    bombs
}

#[test]
fn a_filter_made_to_hurt_is_an_error() {
    for bomb in bombs() {
        let error = Filter::parse(&USER, &bomb).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)));
        assert!(error.detail.len() < 600, "an error does not repeat what was sent");
    }
}

#[test]
fn a_path_made_to_hurt_is_an_error() {
    for bomb in bombs().into_iter().filter(|bomb| !bomb.trim().is_empty()) {
        let error = try_patch(&USER, &ada(), json!([{ "op": "replace", "path": bomb, "value": "x" }])).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidPath)));
        // As a key it is an unknown attribute, and ignored; one that begins like a value path is refused like one.
        match try_patch(&USER, &ada(), json!([{ "op": "replace", "value": { bomb: "x" } }])) {
            Ok(applied) => assert!(applied.changed.is_empty()),
            Err(error) => assert_eq!(error.scim_type, Some(ScimType::InvalidPath)),
        }
    }
}

#[test]
fn names_made_to_hurt_ask_for_nothing() {
    for bomb in bombs() {
        let shown = Projection::parse(&USER, Some(&bomb), None).unwrap().apply(&USER, rendered(&USER, &ada()));
        assert!(shown.contains_key("id"));
    }
    let many = vec!["title"; 20_000].join(",");
    let shown = Projection::parse(&USER, Some(&many), None).unwrap().apply(&USER, rendered(&USER, &ada()));
    assert_eq!(shown.len(), 3);
}

#[test]
fn a_body_made_to_hurt_is_an_error() {
    for bomb in [
        "[".repeat(1_000_000),
        "{\"a\":".repeat(100_000),
        format!("{{\"a\":{}1{}}}", "[".repeat(32), "]".repeat(32)),
        format!("{{\"a\":1{}", "0".repeat(1_000_000)),
        format!("{{\"a\":1e{}}}", "9".repeat(100_000)),
        format!("{{\"a\":{}}}", "9".repeat(1_000_000)),
        "\"".repeat(100_000),
        "{\"\\u".repeat(10_000),
    ] {
        assert_eq!(refusal(body::parse(bomb.as_bytes())), (400, Some(ScimType::InvalidSyntax)));
    }
    assert!(body::parse(format!("{{\"a\":{}1{}}}", "[".repeat(31), "]".repeat(31)).as_bytes()).is_ok());
    let brackets = format!("{{\"a\":\"{}\\\"{}\"}}", "[".repeat(100), "{".repeat(100));
    assert!(body::parse(brackets.as_bytes()).is_ok());
    let long = format!("{{\"a\":0.{}}}", "1".repeat(1_000_000));
    assert!(body::parse(long.as_bytes()).is_ok());
}

#[test]
fn huge_numbers_are_no_values() {
    let sent = body::parse(b"{\"userName\":\"a\",\"active\":1e308}").unwrap();
    assert_eq!(refusal(document::accept(&USER, &sent)), (400, Some(ScimType::InvalidValue)));
    let sent = body::parse(b"{\"startIndex\":1e308}").unwrap();
    assert_eq!(refusal(scim::query::Query::of_body(&USER, &sent)), (400, Some(ScimType::InvalidValue)));
}

#[test]
fn long_lists_cost_their_length() {
    let members: Vec<Value> = (0..50_000).map(|id| json!({ "value": format!("id-{}", id % 40_000) })).collect();
    let big = group(json!({ "displayName": "x", "members": members }));
    assert_eq!(ids(&big).len(), 40_000);
    let operations = json!([
        { "op": "add", "path": "members", "value": members }, { "op": "remove", "path": "members", "value": members }
    ]);
    assert!(ids(&patched_group(&big, operations.clone())).is_empty());
    let patch = patch::parse(&json!({ "Operations": operations })).unwrap();
    let (_, membership) = members::divide(&GROUP, patch, patch::Options::default()).unwrap();
    assert_eq!(membership.delta().unwrap().remove.len(), 40_000);
    let emails: Vec<Value> = (0..20_000).map(|id| json!({ "value": format!("{id}@x"), "primary": true })).collect();
    assert_eq!(user(json!({ "userName": "a", "emails": emails }))["emails"].as_array().unwrap().len(), 20_000);
}

#[test]
fn many_operations_on_long_lists_are_too_many() {
    let emails: Vec<Value> = (0..20_000).map(|id| json!({ "value": format!("{id}@x") })).collect();
    let person = user(json!({ "userName": "a", "emails": emails }));
    let operation = json!({ "op": "add", "path": "emails", "value": { "value": "1@x" } });
    let operations = |count| json!(vec![operation.clone(); count]);
    assert!(try_patch(&USER, &person, operations(2)).unwrap().changed.is_empty());
    // A request may look at everything a few times, and in proportion to its size beyond that.
    assert_eq!(refusal(try_patch(&USER, &person, operations(7))), (400, Some(ScimType::TooMany)));
    let select = json!({ "op": "remove", "path": "emails[value eq \"no\" and type pr]" });
    assert_eq!(refusal(try_patch(&USER, &person, json!(vec![select; 1_000]))), (400, Some(ScimType::TooMany)));
    let select = json!({ "op": "remove", "path": "members[type eq \"Group\"]" });
    let patch = patch::parse(&json!({ "Operations": vec![select; 1_000] })).unwrap();
    let (_, membership) = members::divide(&GROUP, patch, patch::Options::default()).unwrap();
    let team: Vec<_> = (0..1_000).map(|id: u32| members::Member::new(id.to_string())).collect();
    assert!(membership.resolve(&team[..10]).unwrap().is_empty());
    assert_eq!(refusal(membership.resolve(&team)), (400, Some(ScimType::TooMany)));
}

#[test]
fn a_thousand_operations_on_members_cost_a_thousand_operations() {
    let remove = |id: usize| json!({ "op": "remove", "path": format!("members[value eq \"id-{id}\"]") });
    let patch = patch::parse(&json!({ "Operations": (0..1_000).map(remove).collect::<Vec<_>>() })).unwrap();
    let (rest, membership) = members::divide(&GROUP, patch, patch::Options::default()).unwrap();
    assert_eq!(membership.delta().unwrap().remove.len(), 1_000);
    let document = group(json!({ "displayName": "x" }));
    assert!(patch::apply(&GROUP, &document, &rest, patch::Options::default()).unwrap().changed.is_empty());
}

#[test]
fn a_bulk_request_of_references_ends() {
    let names: Vec<String> = (0..40).map(|place| format!("bulkId:g{place}")).collect();
    let all: Vec<Value> = (0..40)
        .map(|place| {
            json!({ "method": "POST", "path": "/Groups", "bulkId": format!("g{place}"), "data": { "members": names } })
        })
        .collect();
    let mut plan = bulk::parse(&json!({ "Operations": all })).unwrap();
    let mut steps = 0;
    while plan.next_step().is_some() {
        steps += 1;
        plan.done(bulk::Outcome::Done { status: 200, id: Some(format!("id-{steps}")), version: None });
        assert!(steps <= 80, "every operation has one step, or two");
    }
    assert_eq!(plan.response(BASE)["Operations"].as_array().unwrap().len(), 40);
}

#[test]
fn operations_that_each_name_one_of_a_long_list_are_done() {
    let roles: Vec<Value> = (0..400).map(|id| json!({ "value": format!("role-{id}") })).collect();
    let person = user(json!({ "userName": "a", "roles": roles }));
    let remove = |id: usize| json!({ "op": "remove", "path": format!("roles[value eq \"role-{id}\"]") });
    let operations: Vec<Value> = (0..400).map(remove).collect();
    assert!(!patched(&person, json!(operations)).contains_key("roles"));
}

//! PATCH dialects that broke real integrations: cases 1 to 27.

use scim::patch::{self, Options};
use scim::schema::{GROUP, USER};
use scim::{ScimType, document};
use serde_json::json;

use crate::support::*;

#[test]
fn case_01_capitalised_operations_are_the_same() {
    let after = patched(&ada(), json!([{ "op": "Replace", "path": "title", "value": "x" }]));
    assert_eq!(after["title"], "x");
    assert_eq!(patched(&ada(), json!([{ "op": "ADD", "path": "nickName", "value": "b" }]))["nickName"], "b");
}

#[test]
fn case_02_booleans_written_as_strings_are_booleans_and_bananas_are_not() {
    for value in ["False", "false", "FALSE"] {
        for operation in [
            json!([{ "op": "Replace", "path": "active", "value": value }]),
            json!([{ "op": "replace", "value": { "active": value } }]),
            json!([{ "op": "replace", "path": "active", "value": [value] }]),
            json!([{ "op": "replace", "path": "active", "value": [{ "$ref": null, "value": value }] }]),
        ] {
            assert_eq!(patched(&ada(), operation)["active"], false);
        }
    }
    assert_eq!(user(json!({ "userName": "a", "active": "True" }))["active"], true);
    let banana = json!([{ "op": "replace", "path": "active", "value": "banana" }]);
    assert_eq!(refused(&ada(), banana), Some(ScimType::InvalidValue));
}

#[test]
fn case_03_add_on_a_single_value_replaces_it() {
    let after = patched(
        &ada(),
        json!([
            { "op": "Add", "path": "active", "value": "False" }, { "op": "Add", "path": "externalId", "value": "e" }
        ]),
    );
    assert_eq!((&after["active"], &after["externalId"]), (&json!(false), &json!("e")));
}

#[test]
fn case_04_dotted_keys_become_a_hierarchy_and_siblings_stay() {
    let after = patched(&ada(), json!([{ "op": "replace", "value": { "name.givenName": "Augusta" } }]));
    assert_eq!(after["name"], json!({ "givenName": "Augusta", "familyName": "Lovelace" }));
    assert!(!after.contains_key("name.givenName"));
}

#[test]
fn case_05_urn_keys_go_to_their_extension() {
    let key = format!("{ENTERPRISE}:employeeNumber");
    let after = patched(&ada(), json!([{ "op": "replace", "value": { &key: "7" } }]));
    assert_eq!(after[ENTERPRISE]["employeeNumber"], "7");
    assert_eq!(after[ENTERPRISE]["department"], "Engines");
    assert!(!after.contains_key(&key));
}

#[test]
fn case_06_a_urn_path_is_nested() {
    let path = format!("{ENTERPRISE}:employeeNumber");
    let bare = user(json!({ "userName": "a" }));
    let after = patched(&bare, json!([{ "op": "Add", "path": path, "value": "7" }]));
    assert_eq!(after[ENTERPRISE], json!({ "employeeNumber": "7" }));
    assert_eq!(rendered(&USER, &after)["schemas"][1], ENTERPRISE);
}

#[test]
fn case_07_a_value_path_on_an_empty_list_creates_the_element() {
    let bare = user(json!({ "userName": "a" }));
    let after = patched(&bare, json!([{ "op": "add", "path": "emails[type eq \"work\"].value", "value": "x@y" }]));
    assert_eq!(after["emails"], json!([{ "type": "work", "value": "x@y" }]));
}

#[test]
fn case_08_a_type_sent_is_a_type_found() {
    let bare = user(json!({ "userName": "a", "emails": [{ "value": "old", "type": "work" }] }));
    let replace = json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "new" }]);
    assert_eq!(patched(&bare, replace.clone())["emails"][0]["value"], "new");
    assert_eq!(refused(&user(json!({ "userName": "a" })), replace), Some(ScimType::NoTarget));
}

#[test]
fn case_09_a_value_path_touches_only_its_matches() {
    let path = "emails[type eq \"work\"].value";
    let after = patched(&ada(), json!([{ "op": "replace", "path": path, "value": "new" }]));
    assert_eq!(after["emails"][0], json!({ "value": "new", "type": "work", "primary": true }));
    assert_eq!(after["emails"][1], ada()["emails"][1]);
}

#[test]
fn case_10_a_value_path_as_a_key_is_a_path() {
    let after = patched(&ada(), json!([{ "op": "replace", "value": { "emails[type eq \"home\"].value": "new" } }]));
    assert_eq!(after["emails"][1]["value"], "new");
    assert_eq!(after.keys().filter(|key| key.contains('[')).count(), 0);
}

#[test]
fn case_11_a_string_boolean_inside_a_path_is_a_boolean() {
    let roles =
        user(json!({ "userName": "a", "roles": [{ "value": "old", "primary": "True" }, { "value": "other" }] }));
    let path = "roles[primary eq \"True\"].value";
    let after = patched(&roles, json!([{ "op": "replace", "path": path, "value": "new" }]));
    assert_eq!(after["roles"], json!([{ "value": "new", "primary": true }, { "value": "other" }]));
}

#[test]
fn case_12_remove_with_a_value_never_sets_it() {
    let after = patched(&ada(), json!([{ "op": "Remove", "path": "title", "value": "Duchess" }]));
    assert!(!after.contains_key("title"));
    let path = "emails[type eq \"work\"].value";
    let after = patched(&ada(), json!([{ "op": "Remove", "path": path, "value": "n@x" }]));
    assert_eq!(after["emails"][0], json!({ "type": "work", "primary": true }));
}

fn team() -> scim::Object {
    group(json!({ "displayName": "Team", "members": [{ "value": "a" }, { "value": "b" }, { "value": "c" }] }))
}

#[test]
fn case_13_remove_members_with_a_list_removes_those_listed() {
    let entra = json!([{ "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": "b" }] }]);
    assert_eq!(ids(&patched_group(&team(), entra)), ["a", "c"]);
    assert_eq!(
        ids(&patched_group(&team(), json!([{ "op": "remove", "path": "members", "value": [] }]))),
        ["a", "b", "c"]
    );
    assert!(ids(&patched_group(&team(), json!([{ "op": "remove", "path": "members" }]))).is_empty());
}

#[test]
fn case_14_remove_by_value_path_removes_exactly_one() {
    let one = json!([{ "op": "remove", "path": "members[value eq \"b\"]" }]);
    assert_eq!(ids(&patched_group(&team(), one)), ["a", "c"]);
    let two = json!([{ "op": "remove", "path": "members[value eq \"a\" or value eq \"c\"]" }]);
    assert_eq!(ids(&patched_group(&team(), two)), ["b"]);
}

#[test]
fn case_15_add_members_is_a_union_by_value() {
    let after = patched_group(
        &team(),
        json!([
            { "op": "add", "path": "members", "value": [{ "value": "c", "display": "C" }, { "value": "d" }] },
            { "op": "add", "path": "members", "value": { "value": "d" } }
        ]),
    );
    assert_eq!(ids(&after), ["a", "b", "c", "d"]);
}

#[test]
fn case_16_a_member_without_type_is_a_user() {
    let new = json!([{ "op": "add", "path": "members", "value": [{ "value": "d", "$ref": null, "display": null }] }]);
    assert_eq!(patched_group(&team(), new)["members"][3], json!({ "value": "d", "type": "User" }));
}

#[test]
fn case_17_replacing_members_with_none_empties_the_group() {
    let after = patched_group(&team(), json!([{ "op": "replace", "path": "members", "value": [] }]));
    assert!(!after.contains_key("members"));
}

#[test]
fn case_18_a_repeated_id_without_path_is_ignored() {
    let okta = json!([{ "op": "replace", "value": { "id": "whatever", "displayName": "New" } }]);
    let after = patched_group(&team(), okta);
    assert_eq!((after["displayName"].as_str(), ids(&after).len()), (Some("New"), 3));
}

#[test]
fn case_19_absence_of_members_is_not_emptiness() {
    let after = patched_group(&team(), json!([{ "op": "replace", "value": { "externalId": "x" } }]));
    assert_eq!(ids(&after), ["a", "b", "c"]);
}

#[test]
fn case_20_reasserting_an_own_value_changes_nothing() {
    let same = json!([
        { "op": "replace", "path": "userName", "value": "Ada@acme.test" },
        { "op": "replace", "value": { "externalId": "Ext-1", "active": "True" } }
    ]);
    assert!(try_patch(&USER, &ada(), same).unwrap().changed.is_empty());
    let path = "members[value eq \"a\"].value";
    let same = json!([{ "op": "replace", "path": path, "value": "a" }]);
    assert!(try_patch(&GROUP, &team(), same).unwrap().changed.is_empty());
}

#[test]
fn case_21_members_may_be_swapped_and_their_values_not_changed() {
    let swapped = document::replace(&GROUP, &team(), &json!({ "displayName": "Team", "members": [{ "value": "z" }] }));
    assert_eq!(ids(&swapped.unwrap()), ["z"]);
    let swapped = patched_group(&team(), json!([{ "op": "replace", "path": "members", "value": ["z"] }]));
    assert_eq!(ids(&swapped), ["z"]);
    let path = "members[value eq \"a\"].value";
    let changed = try_patch(&GROUP, &team(), json!([{ "op": "replace", "path": path, "value": "z" }]));
    assert_eq!(refusal(changed), (400, Some(ScimType::Mutability)));
}

#[test]
fn case_22_an_operation_that_is_not_known_is_refused() {
    for op in ["move", "test", "", "delete"] {
        let unknown = json!([{ "op": op, "path": "title", "value": "x" }]);
        assert_eq!(refused(&ada(), unknown), Some(ScimType::InvalidSyntax));
    }
    let missing = json!([{ "path": "title", "value": "x" }]);
    assert_eq!(refused(&ada(), missing), Some(ScimType::InvalidSyntax));
}

#[test]
fn case_23_replacing_one_attribute_leaves_the_others() {
    let applied = try_patch(&USER, &ada(), json!([{ "op": "replace", "value": { "active": false } }])).unwrap();
    assert_eq!(applied.changed.into_iter().collect::<Vec<_>>(), ["active"]);
}

#[test]
fn case_24_removing_the_user_name_is_refused() {
    let remove = json!([{ "op": "remove", "path": "userName" }]);
    assert_eq!(refused(&ada(), remove), Some(ScimType::Mutability));
}

#[test]
fn case_25_one_failing_operation_fails_all() {
    let before = ada();
    let mixed = json!([
        { "op": "replace", "path": "title", "value": "x" }, { "op": "replace", "path": "active", "value": "banana" }
    ]);
    assert_eq!(refused(&before, mixed), Some(ScimType::InvalidValue));
    assert_eq!(before, ada());
}

#[test]
fn case_26_names_of_the_message_are_read_in_any_letter_case() {
    let body = json!({ "operations": [{ "OP": "replace", "Path": "TITLE", "vAlUe": "x" }] });
    let applied = patch::apply(&USER, &ada(), &patch::parse(&body).unwrap(), Options::default()).unwrap();
    assert_eq!(applied.document["title"], "x");
}

#[test]
fn case_27_a_manager_is_taken_in_every_form() {
    let urn = format!("{ENTERPRISE}:manager");
    let dotted = format!("{ENTERPRISE}.manager");
    for (path, value) in [
        (urn.as_str(), json!({ "value": "m-2" })),
        (&urn, json!("m-2")),
        ("manager", json!([{ "$ref": "http://x/Users/m-2", "value": "m-2" }])),
        (&dotted, json!("m-2")),
        ("manager.value", json!("m-2")),
    ] {
        let after = patched(&ada(), json!([{ "op": "Add", "path": path, "value": value }]));
        assert_eq!(after[ENTERPRISE]["manager"]["value"], "m-2", "{path}");
    }
    let referred = patched(
        &ada(),
        json!([{ "op": "Add", "path": urn, "value": { "$ref": "http://x/Users/m-1", "value": "m-1" } }]),
    );
    for value in [json!("m-2"), json!({ "value": "m-2" }), json!([{ "$ref": null, "value": "m-2" }])] {
        let after = patched(&referred, json!([{ "op": "Replace", "path": urn, "value": value }]));
        assert_eq!(after[ENTERPRISE]["manager"], json!({ "value": "m-2" }), "of whom it was before: {value}");
    }
    let after = patched(&referred, json!([{ "op": "Replace", "path": "manager.value", "value": "m-2" }]));
    assert_eq!(after[ENTERPRISE]["manager"], json!({ "value": "m-2" }));
    let same = patched(&referred, json!([{ "op": "Replace", "path": urn, "value": { "value": "m-1" } }]));
    assert_eq!(same, referred);
    for clear in [
        json!({ "op": "Replace", "path": urn, "value": "" }),
        json!({ "op": "Remove", "path": "manager" }),
        json!({ "op": "Replace", "path": urn, "value": null }),
        json!({ "op": "Replace", "path": urn, "value": [] }),
    ] {
        assert_eq!(patched(&ada(), json!([clear]))[ENTERPRISE], json!({ "department": "Engines" }));
    }
    let sent = user(json!({ "userName": "a", ENTERPRISE: { "manager": "nobody-knows" } }));
    assert_eq!(sent[ENTERPRISE]["manager"], json!({ "value": "nobody-knows" }));
}

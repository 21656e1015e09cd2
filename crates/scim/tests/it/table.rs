//! The table of PATCH (RFC 7644 §3.5.2): rows 1 to 9 against add, remove and replace.

use scim::ScimType;
use scim::patch::{self, Options};
use scim::schema::USER;
use serde_json::{Value, json};

use crate::support::*;

/// What a cell of the table comes to: one attribute of the document afterwards, or a refusal.
enum Cell {
    Holds(&'static str, Value),
    Refused(ScimType),
}

use Cell::{Holds, Refused};

fn check(row: u8, operation: Value, cell: Cell) {
    let result = try_patch(&USER, &ada(), json!([operation]));
    match cell {
        Holds(pointer, expected) => {
            let document =
                Value::Object(result.unwrap_or_else(|error| panic!("row {row} {operation}: {error}")).document);
            let found = document.pointer(pointer).cloned().unwrap_or(Value::Null);
            assert_eq!(found, expected, "row {row} {operation}");
        }
        Refused(kind) => assert_eq!(refusal(result), (400, Some(kind)), "row {row} {operation}"),
    }
}

fn work() -> Value {
    ada()["emails"][0].clone()
}

fn home() -> Value {
    ada()["emails"][1].clone()
}

#[test]
fn row_1_without_path() {
    let new = json!({ "value": "n@x", "type": "other" });
    check(1, json!({ "op": "add", "value": { "emails": [new] } }), Holds("/emails", json!([work(), home(), new])));
    check(1, json!({ "op": "add", "value": { "title": "x" } }), Holds("/title", json!("x")));
    check(1, json!({ "op": "remove" }), Refused(ScimType::NoTarget));
    check(1, json!({ "op": "remove", "value": { "title": "x" } }), Refused(ScimType::NoTarget));
    check(1, json!({ "op": "replace", "value": { "emails": [new] } }), Holds("/emails", json!([new])));
    check(1, json!({ "op": "replace", "value": { "title": "x" } }), Holds("/name/givenName", json!("Ada")));
    check(1, json!({ "op": "add" }), Refused(ScimType::InvalidValue));
    check(1, json!({ "op": "replace", "value": "x" }), Refused(ScimType::InvalidValue));
    check(1, json!({ "op": "replace", "value": { "shoeSize": 44, "id": "x" } }), Holds("/shoeSize", json!(null)));
}

#[test]
fn row_2_a_simple_attribute() {
    for op in ["add", "replace"] {
        check(2, json!({ "op": op, "path": "title", "value": "x" }), Holds("/title", json!("x")));
        check(2, json!({ "op": op, "path": "nickName", "value": "x" }), Holds("/nickName", json!("x")));
        check(2, json!({ "op": op, "path": "title" }), Refused(ScimType::InvalidValue));
        check(2, json!({ "op": op, "path": "title", "value": 5 }), Refused(ScimType::InvalidValue));
        check(2, json!({ "op": op, "path": "id", "value": "x" }), Refused(ScimType::Mutability));
        check(2, json!({ "op": op, "path": "userName", "value": "" }), Refused(ScimType::InvalidValue));
    }
    check(2, json!({ "op": "remove", "path": "title" }), Holds("/title", json!(null)));
    check(2, json!({ "op": "remove", "path": "nickName" }), Holds("/title", json!("Countess")));
    check(2, json!({ "op": "remove", "path": "userName" }), Refused(ScimType::Mutability));
    check(2, json!({ "op": "remove", "path": "meta.created" }), Refused(ScimType::Mutability));
    check(2, json!({ "op": "replace", "path": "title", "value": null }), Holds("/title", json!(null)));
    check(2, json!({ "op": "replace", "path": "userName", "value": null }), Refused(ScimType::Mutability));
}

#[test]
fn row_3_a_complex_attribute() {
    for op in ["add", "replace"] {
        let operation = json!({ "op": op, "path": "name", "value": { "middleName": "K", "givenName": "A" } });
        let merged = json!({ "givenName": "A", "familyName": "Lovelace", "middleName": "K" });
        check(3, operation, Holds("/name", merged));
        let cleared = json!({ "op": op, "path": "name", "value": { "givenName": null } });
        check(3, cleared, Holds("/name", json!({ "familyName": "Lovelace" })));
        check(3, json!({ "op": op, "path": "name", "value": "Ada" }), Refused(ScimType::InvalidValue));
    }
    check(3, json!({ "op": "remove", "path": "name" }), Holds("/name", json!(null)));
}

#[test]
fn row_4_a_sub_attribute() {
    for op in ["add", "replace"] {
        check(4, json!({ "op": op, "path": "name.givenName", "value": "A" }), Holds("/name/givenName", json!("A")));
        check(
            4,
            json!({ "op": op, "path": "NAME.honorificPrefix", "value": "Lady" }),
            Holds("/name/honorificPrefix", json!("Lady")),
        );
        check(4, json!({ "op": op, "path": "name.nosuch", "value": "A" }), Refused(ScimType::InvalidPath));
    }
    let rest = json!({ "familyName": "Lovelace" });
    check(4, json!({ "op": "remove", "path": "name.givenName" }), Holds("/name", rest));
}

#[test]
fn row_5_a_multi_valued_attribute() {
    let new = json!({ "value": "n@x", "type": "other" });
    check(5, json!({ "op": "add", "path": "emails", "value": new }), Holds("/emails/2", new.clone()));
    check(
        5,
        json!({ "op": "add", "path": "emails", "value": [new, home()] }),
        Holds("/emails", json!([work(), home(), new])),
    );
    check(5, json!({ "op": "remove", "path": "emails" }), Holds("/emails", json!(null)));
    check(5, json!({ "op": "remove", "path": "emails", "value": [home()] }), Holds("/emails", json!([work()])));
    check(5, json!({ "op": "replace", "path": "emails", "value": new }), Holds("/emails", json!([new])));
    check(5, json!({ "op": "replace", "path": "emails", "value": [] }), Holds("/emails", json!(null)));
    check(5, json!({ "op": "replace", "path": "emails", "value": [5] }), Refused(ScimType::InvalidValue));
    check(5, json!({ "op": "add", "path": "roles.value", "value": "x" }), Holds("/roles", json!(null)));
    check(5, json!({ "op": "replace", "path": "groups", "value": [] }), Refused(ScimType::Mutability));
}

#[test]
fn row_6_elements_of_a_multi_valued_attribute() {
    let path = "emails[type eq \"home\"]";
    let merged = json!({ "value": "ada@home.test", "type": "home", "display": "H" });
    check(6, json!({ "op": "add", "path": path, "value": { "display": "H" } }), Holds("/emails/1", merged));
    check(6, json!({ "op": "remove", "path": path }), Holds("/emails", json!([work()])));
    let compound = "emails[type eq \"home\" or (type eq \"work\" and primary eq \"True\")]";
    check(6, json!({ "op": "remove", "path": compound }), Holds("/emails", json!(null)));
    for value in [json!({ "value": "n" }), json!([{ "value": "n" }])] {
        let operation = json!({ "op": "replace", "path": path, "value": value });
        check(6, operation, Holds("/emails", json!([work(), { "value": "n" }])));
    }
    let two = json!({ "op": "replace", "path": path, "value": [{ "value": "n" }, { "value": "m" }] });
    check(6, two, Refused(ScimType::InvalidValue));
    check(6, json!({ "op": "remove", "path": "name[givenName eq \"Ada\"]" }), Refused(ScimType::InvalidPath));
}

#[test]
fn row_7_a_sub_attribute_of_elements() {
    let path = "emails[type eq \"home\"].value";
    for op in ["add", "replace"] {
        let operation = json!({ "op": op, "path": path, "value": "n" });
        check(7, operation, Holds("/emails", json!([work(), { "value": "n", "type": "home" }])));
        let all = json!({ "op": op, "path": "emails[value pr].display", "value": "n" });
        check(7, all, Holds("/emails/0/display", json!("n")));
    }
    for operation in [json!({ "op": "remove", "path": path }), json!({ "op": "remove", "path": path, "value": "x" })] {
        check(7, operation, Holds("/emails", json!([work(), { "type": "home" }])));
    }
}

#[test]
fn row_8_an_extension_and_its_attributes() {
    let path = format!("{ENTERPRISE}:division");
    let pointer = "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let merged = json!({ "department": "Engines", "manager": { "value": "m-1" }, "division": "d" });
    for op in ["add", "replace"] {
        check(8, json!({ "op": op, "path": path, "value": "d" }), Holds(pointer, merged.clone()));
        check(8, json!({ "op": op, "path": ENTERPRISE, "value": { "division": "d" } }), Holds(pointer, merged.clone()));
        check(8, json!({ "op": op, "value": { ENTERPRISE: { "division": "d" } } }), Holds(pointer, merged.clone()));
        check(8, json!({ "op": op, "path": ENTERPRISE, "value": "x" }), Refused(ScimType::InvalidValue));
        check(8, json!({ "op": op, "path": format!("{ENTERPRISE}:x"), "value": 1 }), Refused(ScimType::InvalidPath));
    }
    check(8, json!({ "op": "remove", "path": ENTERPRISE }), Holds(pointer, json!(null)));
    let department = format!("{ENTERPRISE}:department");
    let left = json!({ "manager": { "value": "m-1" } });
    check(8, json!({ "op": "remove", "path": department }), Holds(pointer, left));
}

#[test]
fn row_9_a_value_path_that_matches_nothing() {
    let path = "phoneNumbers[type eq \"mobile\"].value";
    check(
        9,
        json!({ "op": "add", "path": path, "value": "1" }),
        Holds("/phoneNumbers", json!([{ "type": "mobile", "value": "1" }])),
    );
    check(9, json!({ "op": "remove", "path": path }), Holds("/phoneNumbers", json!(null)));
    check(9, json!({ "op": "replace", "path": path, "value": "1" }), Refused(ScimType::NoTarget));
    for filter in
        ["type ne \"x\"", "type sw \"x\"", "type eq \"x\" or type eq \"y\"", "type eq \"x\" and type eq \"y\""]
    {
        let operation = json!({ "op": "add", "path": format!("phoneNumbers[{filter}].value"), "value": "1" });
        check(9, operation, Refused(ScimType::NoTarget));
    }
    let entra = Options { create_on_replace: true };
    let body = json!({ "Operations": [
        { "op": "replace", "path": path, "value": "1" },
        { "op": "replace", "path": "phoneNumbers[type eq \"mobile\"].display", "value": "m" },
        { "op": "replace", "path": "phoneNumbers[type eq \"fax\" and primary eq true]", "value": { "value": "2" } }
    ] });
    let after = patch::apply(&USER, &ada(), &patch::parse(&body).unwrap(), entra).unwrap().document;
    assert_eq!(
        after["phoneNumbers"],
        json!([{ "type": "mobile", "value": "1", "display": "m" }, { "type": "fax", "primary": true, "value": "2" }])
    );
}

#[test]
fn a_path_that_cannot_be_followed_is_refused() {
    for path in [
        "shoeSize",
        "members",
        "emails[type eq \"work\"",
        "emails[type eq \"work\"]value",
        "emails[type eq \"work\"].x",
        "emails[]",
        "title x",
        "emails[type eq \"work\"].value.x",
        "[type eq \"work\"]",
        ".title",
        "title.",
        "(title)",
        "emails[type eq \"work\"].value eq \"x\"",
        "email.value",
        "name.givenName.x",
        "\"title\"",
        "emails[nosuch pr]",
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "urn:ietf:params:scim:schemas:core:2.0:Group:displayName",
    ] {
        for op in ["add", "remove", "replace"] {
            check(0, json!({ "op": op, "path": path, "value": "x" }), Refused(ScimType::InvalidPath));
        }
    }
    check(0, json!({ "op": "add", "path": 5, "value": "x" }), Refused(ScimType::InvalidPath));
    let core = "URN:ietf:params:scim:schemas:core:2.0:user:NICKNAME";
    check(0, json!({ "op": "add", "path": core, "value": "x" }), Holds("/nickName", json!("x")));
}

#[test]
fn a_body_that_is_no_patch_is_refused() {
    for (body, kind) in [
        (json!({}), ScimType::InvalidSyntax),
        (json!({ "Operations": [] }), ScimType::InvalidSyntax),
        (json!({ "Operations": {} }), ScimType::InvalidSyntax),
        (json!({ "Operations": ["x"] }), ScimType::InvalidSyntax),
        (json!({ "Operations": vec![json!({ "op": "remove", "path": "title" }); 1_001] }), ScimType::TooMany),
    ] {
        assert_eq!(refusal(patch::parse(&body)), (400, Some(kind)));
    }
}

#[test]
fn operations_apply_each_on_the_result_of_the_one_before() {
    let after = patched(
        &ada(),
        json!([
            { "op": "remove", "path": "externalId" },
            { "op": "add", "path": "externalId", "value": "one" },
            { "op": "replace", "path": "externalId", "value": "two" }
        ]),
    );
    assert_eq!(after["externalId"], "two");
}

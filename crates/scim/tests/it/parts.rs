//! Sub-attributes of a tenant's own extension: what its schema says of them holds, whichever way they are written.

use std::sync::Arc;

use scim::schema::{ResourceType, Schema, USER};
use scim::{Object, ScimType, document};
use serde_json::{Value, json};

use crate::support::*;

const URN: &str = "urn:acme:params:scim:schemas:hr:1.0:User";

fn staff() -> ResourceType {
    let parts = |multi: bool, name: &str| {
        json!({ "name": name, "type": "complex", "multiValued": multi, "subAttributes": [
            { "name": "value", "required": true }, { "name": "type" }, { "name": "note" },
            { "name": "serial", "mutability": "immutable" }, { "name": "seen", "mutability": "readOnly" }
        ] })
    };
    let schema = json!({ "id": URN, "attributes": [parts(false, "desk"), parts(true, "keys")] });
    USER.extended([Arc::new(Schema::extension(&schema).unwrap())]).unwrap()
}

fn accepted(extension: Value) -> Result<Object, scim::Error> {
    document::accept(&staff(), &json!({ "userName": "a", URN: extension }))
}

fn replaced(current: &Object, extension: Value) -> Result<Value, scim::Error> {
    let body = json!({ "userName": "a", URN: extension });
    document::replace(&staff(), current, &body).map(|mut document| document.remove(URN).unwrap_or_default())
}

fn changed(current: &Object, operations: Value) -> Result<Value, scim::Error> {
    let applied = try_patch(&staff(), current, operations)?;
    Ok(applied.document.get(URN).cloned().unwrap_or_default())
}

fn one(desk: &Value, key: &Value) -> Object {
    accepted(json!({ "desk": desk, "keys": [key] })).unwrap()
}

#[test]
fn a_complex_value_without_what_it_has_to_have_is_refused() {
    for wrong in [json!({ "desk": { "note": "n" } }), json!({ "keys": [{ "value": "k" }, { "note": "n" }] })] {
        assert_eq!(refusal(accepted(wrong.clone())), (400, Some(ScimType::InvalidValue)), "{wrong}");
        let bare = accepted(json!({})).unwrap();
        assert_eq!(refusal(replaced(&bare, wrong.clone())), (400, Some(ScimType::InvalidValue)), "{wrong}");
        let add = json!([{ "op": "add", "value": { URN: wrong } }]);
        assert_eq!(refusal(changed(&bare, add)), (400, Some(ScimType::InvalidValue)), "{wrong}");
    }
    assert!(accepted(json!({ "desk": { "value": "d" }, "keys": [] })).is_ok());
    let held = one(&json!({ "value": "d", "note": "n" }), &json!({ "value": "k", "note": "n" }));
    for path in ["desk.value", "keys.value", "keys[note eq \"n\"].value"] {
        for operation in [json!({ "op": "remove" }), json!({ "op": "replace", "value": null })] {
            let mut operation = operation;
            operation["path"] = json!(format!("{URN}:{path}"));
            let refused = refusal(changed(&held, json!([operation])));
            assert_eq!(refused, (400, Some(ScimType::Mutability)), "{operation}");
        }
    }
    assert!(changed(&held, json!([{ "op": "remove", "path": format!("{URN}:desk") }])).is_ok());
}

#[test]
fn an_immutable_part_keeps_its_first_value() {
    let held = one(&json!({ "value": "d", "serial": "1" }), &json!({ "value": "k", "type": "t", "serial": "1" }));
    let mutability = (400, Some(ScimType::Mutability));
    let other = json!([{ "value": "K", "type": "T", "serial": "2" }]);
    for wrong in [json!({ "desk": { "value": "d", "serial": "2" } }), json!({ "keys": other })] {
        assert_eq!(refusal(replaced(&held, wrong.clone())), mutability, "{wrong}");
    }
    let (desk, keys) = (format!("{URN}:desk"), format!("{URN}:keys"));
    for operations in [
        json!([{ "op": "replace", "path": desk, "value": { "value": "d", "serial": "2" } }]),
        json!([{ "op": "remove", "path": desk }]),
        json!([{ "op": "remove", "path": desk }, { "op": "add", "path": desk, "value": { "value": "d", "serial": "2" } }]),
        json!([{ "op": "remove", "path": keys }, { "op": "add", "path": keys, "value": other }]),
        json!([{ "op": "replace", "path": keys, "value": other }]),
        json!([{ "op": "add", "path": keys, "value": other }]),
        json!([{ "op": "replace", "path": keys, "value": [{ "value": "k", "type": "t" }] }]),
    ] {
        assert_eq!(refusal(changed(&held, operations.clone())), mutability, "{operations}");
    }
    // What is left out by a PUT stays, and a value of a list may leave it.
    let put =
        replaced(&held, json!({ "desk": { "value": "e" }, "keys": [{ "value": "k", "type": "t", "note": "n" }] }));
    let put = put.unwrap();
    assert_eq!(put["desk"], json!({ "value": "e", "serial": "1" }));
    assert_eq!(put["keys"], json!([{ "value": "k", "type": "t", "note": "n", "serial": "1" }]));
    assert_eq!(replaced(&held, Value::Null).unwrap(), json!({ "desk": { "value": "d", "serial": "1" } }));
    let gone = changed(&held, json!([{ "op": "remove", "path": keys }])).unwrap();
    assert_eq!(gone, json!({ "desk": { "value": "d", "serial": "1" } }));
}

#[test]
fn a_read_only_part_is_never_written() {
    let held = one(&json!({ "value": "d", "seen": "s" }), &json!({ "value": "k", "seen": "s" }));
    assert_eq!(held[URN], json!({ "desk": { "value": "d" }, "keys": [{ "value": "k" }] }));
    let described = format!("{URN}:keys[value eq \"n\" and seen eq \"s\"].note");
    let refused = refusal(changed(&held, json!([{ "op": "add", "path": described, "value": "n" }])));
    assert_eq!(refused, (400, Some(ScimType::NoTarget)));
    let set = json!([{ "op": "add", "path": format!("{URN}:desk.seen"), "value": "n" }]);
    assert_eq!(refusal(changed(&held, set)), (400, Some(ScimType::Mutability)));
    let merged = json!([{ "op": "add", "value": { URN: { "desk": { "seen": "n", "note": "n" } } } }]);
    assert_eq!(changed(&held, merged).unwrap()["desk"], json!({ "value": "d", "note": "n" }));
}

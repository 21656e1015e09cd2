//! `bulkId:name` in the place of an id: finding it, putting the id there, and leaving it out for a while.
//!
//! It counts where an id can stand: as a whole string in the data, and quoted inside the filter of a PATCH path. The
//! recursion is as deep as the body, which the JSON parser bounds.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::Object;

const PREFIX: &str = "bulkId:";

/// The name a string refers to.
pub(super) fn name(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX).filter(|name| !name.is_empty())
}

/// Calls for every reference in a value.
pub(super) fn each<'a>(value: &'a Value, call: &mut dyn FnMut(&'a str)) {
    match value {
        Value::String(text) => name(text).into_iter().for_each(call),
        Value::Array(items) => items.iter().for_each(|item| each(item, call)),
        Value::Object(object) => object.iter().for_each(|(key, value)| match value {
            Value::String(path) if is_path(key) => path.split('"').filter_map(name).for_each(&mut *call),
            other => each(other, call),
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The `path` of a PATCH operation, such as `members[value eq "bulkId:x"]`: there a reference stands in quotes.
fn is_path(key: &str) -> bool {
    key.eq_ignore_ascii_case("path")
}

/// A value with its references replaced; a name not known stays as it is.
pub(super) fn resolved(value: &Value, ids: &HashMap<String, String>) -> Value {
    let one = |text: &str| name(text).and_then(|name| ids.get(name)).map_or(text, String::as_str).to_owned();
    match value {
        Value::String(text) => json!(one(text)),
        Value::Array(items) => items.iter().map(|item| resolved(item, ids)).collect(),
        Value::Object(object) => {
            let members = object.iter().map(|(key, value)| match value {
                Value::String(path) if is_path(key) => {
                    (key.clone(), json!(path.split('"').map(one).collect::<Vec<_>>().join("\"")))
                }
                other => (key.clone(), resolved(other, ids)),
            });
            members.collect::<Object>().into()
        }
        other => other.clone(),
    }
}

/// Takes out of a resource what refers to names not known yet: whole attributes, and single values of lists. Comes back
/// as the PatchOp that puts them in.
pub(super) fn postpone(resource: &mut Value, ids: &HashMap<String, String>) -> Option<Value> {
    let mut operations = Vec::new();
    if let Value::Object(object) = resource {
        for (name, value) in object.iter_mut() {
            // An extension's attributes are taken one by one: its other attributes may be required.
            match value {
                Value::Object(extension) if name.contains(':') => {
                    extension.retain(|inner, value| keep(&format!("{name}:{inner}"), value, ids, &mut operations));
                }
                _ => {}
            }
        }
        object.retain(|name, value| name.contains(':') || keep(name, value, ids, &mut operations));
    }
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"];
    (!operations.is_empty()).then(|| json!({ "schemas": schemas, "Operations": operations }))
}

fn keep(path: &str, value: &mut Value, ids: &HashMap<String, String>, operations: &mut Vec<Value>) -> bool {
    let waits = |value: &Value| {
        let mut unknown = false;
        each(value, &mut |name| unknown |= !ids.contains_key(name));
        unknown
    };
    if !waits(value) {
        return true;
    }
    let Value::Array(items) = value else {
        operations.push(json!({ "op": "add", "path": path, "value": value }));
        return false;
    };
    let (later, now): (Vec<Value>, Vec<Value>) = std::mem::take(items).into_iter().partition(waits);
    operations.push(json!({ "op": "add", "path": path, "value": later }));
    *items = now;
    true
}

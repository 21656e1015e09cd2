//! What a body says that no schema knows. It is ignored (RFC 7643 §2.3, every client sends some), but whoever looks after a
//! tenant wants to hear of it once. Names only, never a value, and no more than [`MOST`] of one request.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::Object;
use crate::path::AttributePath;
use crate::schema::{Attribute, ResourceType};

/// The most names told of one request.
pub const MOST: usize = 20;

/// How many values of a list are looked into.
const LOOKED_INTO: usize = 10;

/// The longest name told.
const LONGEST: usize = 200;

/// The names in a POST or PUT body that no schema of the type has: `badge`, `name.nick`, `urn:x:y:badge`.
pub fn in_body(resource: &ResourceType, body: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (name, value) in body.as_object().into_iter().flatten() {
        if let Some(schema) = resource.extensions.iter().find(|schema| schema.id.eq_ignore_ascii_case(name)) {
            inside(&mut names, &format!("{}:", schema.id), &schema.attributes, value);
        } else if let Some(attribute) = resource.attribute(name) {
            inside_attribute(&mut names, "", attribute, value);
        } else {
            tell(&mut names, "", name);
        }
    }
    names
}

/// The same of the value of a PATCH operation without path.
pub(crate) fn in_patch(names: &mut BTreeSet<String>, resource: &ResourceType, value: &Object) {
    for name in value.keys() {
        let attribute = name.split('[').next().unwrap_or_default().trim();
        if AttributePath::resolve(resource, attribute).is_none() {
            tell(names, "", name);
        }
    }
}

fn inside(names: &mut BTreeSet<String>, prefix: &str, attributes: &[Attribute], value: &Value) {
    for (name, value) in value.as_object().into_iter().flatten() {
        match attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name)) {
            Some(attribute) => inside_attribute(names, prefix, attribute, value),
            None => tell(names, prefix, name),
        }
    }
}

fn inside_attribute(names: &mut BTreeSet<String>, prefix: &str, attribute: &Attribute, value: &Value) {
    // What is readOnly is ignored whole, as it has to be.
    if attribute.sub_attributes.is_empty() || attribute.mutability == crate::schema::Mutability::ReadOnly {
        return;
    }
    let elements = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    for element in elements.iter().take(LOOKED_INTO) {
        inside(names, &format!("{prefix}{}.", attribute.name), &attribute.sub_attributes, element);
    }
}

/// A name is told if it has the form of one (RFC 7643 §2.1): anything else might be somebody's.
fn tell(names: &mut BTreeSet<String>, prefix: &str, name: &str) {
    let formed = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_$:.".contains(c));
    if formed && prefix.len() + name.len() <= LONGEST && names.len() < MOST {
        names.insert(format!("{prefix}{name}"));
    }
}

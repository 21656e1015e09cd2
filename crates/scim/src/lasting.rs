//! What may be set once and stays as it is from then on (RFC 7643 §7): attributes of extensions, and their sub-attributes.
//! Members are not here: those are immutable by being other members.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::same::Sameness;
use crate::schema::{Attribute, Mutability, ResourceType, Schema};
use crate::{Error, Object, ScimType};

fn is_immutable(attribute: &Attribute) -> bool {
    attribute.mutability == Mutability::Immutable
}

/// Only extensions hold what is immutable; those of a document that it has.
fn extensions<'a>(resource: &'a ResourceType, document: &'a Object) -> impl Iterator<Item = (&'a Schema, &'a Object)> {
    let held = |schema: &'a Schema| Some((schema, document.get(&schema.id)?.as_object()?));
    resource.extensions.iter().map(AsRef::as_ref).filter_map(held)
}

/// Puts back what a PUT leaves out, as far as it lasts. Of a list the values that stay keep what lasts of them.
pub(crate) fn keep(resource: &ResourceType, current: &Object, document: &mut Object) {
    for (schema, held) in extensions(resource, current) {
        for attribute in &schema.attributes {
            let Some(held) = held.get(&attribute.name) else { continue };
            let after = document.get_mut(&schema.id).and_then(|extension| extension.get_mut(&attribute.name));
            match (after, held) {
                (Some(Value::Array(after)), Value::Array(held)) => keep_in_list(attribute, held, after),
                (Some(Value::Object(after)), Value::Object(held)) => keep_parts(attribute, held, after),
                (None, _) => {
                    if let Some(lasting) = lasting(attribute, held) {
                        let extension = document.entry(schema.id.clone()).or_insert_with(|| json!({}));
                        extension[&attribute.name] = lasting;
                    }
                }
                _ => {}
            }
        }
    }
}

/// What of a value stays where all of it is left out: with its immutable parts those without which it would be none.
fn lasting(attribute: &Attribute, held: &Value) -> Option<Value> {
    if is_immutable(attribute) {
        return Some(held.clone());
    }
    let held = held.as_object()?;
    let parts = attribute.sub_attributes.iter().filter(|sub| held.contains_key(&sub.name));
    parts.clone().find(|sub| is_immutable(sub))?;
    let parts = parts.filter(|sub| is_immutable(sub) || sub.required);
    Some(parts.map(|sub| (sub.name.clone(), held[&sub.name].clone())).collect::<Object>().into())
}

fn keep_parts(attribute: &Attribute, held: &Object, after: &mut Object) {
    for sub in attribute.sub_attributes.iter().filter(|sub| is_immutable(sub)) {
        if let Some(held) = held.get(&sub.name) {
            after.entry(sub.name.clone()).or_insert_with(|| held.clone());
        }
    }
}

fn keep_in_list(attribute: &Attribute, held: &[Value], after: &mut [Value]) {
    if !attribute.sub_attributes.iter().any(is_immutable) {
        return;
    }
    let sameness = Sameness::of(attribute);
    let held: HashMap<String, &Value> = held.iter().map(|held| (sameness.identity(held), held)).collect();
    for element in after {
        let same = held.get(&sameness.identity(element)).and_then(|held| held.as_object());
        if let (Some(held), Value::Object(element)) = (same, element) {
            keep_parts(attribute, held, element);
        }
    }
}

/// What is immutable may get its first value and keep it. A value of a list may leave it whole.
pub(crate) fn check(resource: &ResourceType, before: &Object, after: &Object) -> Result<(), Error> {
    for (schema, held) in extensions(resource, before) {
        for attribute in &schema.attributes {
            let Some(held) = held.get(&attribute.name) else { continue };
            let after = after.get(&schema.id).and_then(|extension| extension.get(&attribute.name));
            if is_immutable(attribute) && after != Some(held) {
                return Err(refused(&attribute.name));
            }
            if attribute.sub_attributes.iter().any(is_immutable) {
                check_parts(attribute, held, after)?;
            }
        }
    }
    Ok(())
}

fn check_parts(attribute: &Attribute, before: &Value, after: Option<&Value>) -> Result<(), Error> {
    let part_changed = |before: &Value, after: Option<&Value>| {
        let changed = |sub: &&Attribute| {
            let held = before.get(&sub.name);
            held.is_some() && held != after.and_then(|after| after.get(&sub.name))
        };
        match attribute.sub_attributes.iter().filter(|sub| is_immutable(sub)).find(changed) {
            Some(sub) => Err(refused(&format!("{}.{}", attribute.name, sub.name))),
            None => Ok(()),
        }
    };
    let Value::Array(before) = before else { return part_changed(before, after) };
    let sameness = Sameness::of(attribute);
    let after: HashMap<String, &Value> = after
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|element| (sameness.identity(element), element))
        .collect();
    before.iter().try_for_each(|held| match after.get(&sameness.identity(held)) {
        Some(same) => part_changed(held, Some(same)),
        None => Ok(()),
    })
}

fn refused(name: &str) -> Error {
    Error::bad(ScimType::Mutability, format!("{name} is immutable"))
}

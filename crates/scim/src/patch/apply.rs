//! One step on one document: the table of RFC 7644 §3.5.2 with what identity providers rely on beyond it.

use serde_json::{Value, json};

use super::normalise::{OwnedStep, Step};
use super::{Options, Verb, elements};
use crate::document::{self, coerce, keep_one_primary};
use crate::json::member;
use crate::schema::{Attribute, Kind, Mutability, ResourceType};
use crate::{Error, Object, ScimType};

pub(super) fn change(document: &mut Object, step: &Step<'_, '_>, options: Options) -> Result<(), Error> {
    let Some(attribute) = step.path.attribute else {
        if let Some(schema) = step.path.extension {
            document.shift_remove(&schema.id);
        }
        return Ok(());
    };
    let holder = match step.path.extension {
        None => document,
        Some(schema) => {
            let extension = document.entry(schema.id.clone()).or_insert_with(|| json!({}));
            extension.as_object_mut().ok_or_else(|| Error::value(format!("{} is no object", schema.id)))?
        }
    };
    match (&step.filter, step.path.sub) {
        (Some(filter), sub) if attribute.multi_valued => {
            let Some(items) = list(holder, attribute) else { return Ok(()) };
            match step.verb {
                Verb::Remove => elements::remove(items, attribute, filter, sub),
                Verb::Add | Verb::Replace => elements::set(items, attribute, filter, step, options),
            }
        }
        (Some(_), _) => Err(Error::bad(ScimType::InvalidPath, format!("{} has no elements", attribute.name))),
        (None, Some(sub)) => sub_attribute(holder, attribute, sub, step),
        (None, None) => whole(holder, attribute, step),
    }
}

fn list<'a>(holder: &'a mut Object, attribute: &Attribute) -> Option<&'a mut Vec<Value>> {
    holder.entry(attribute.name.clone()).or_insert_with(|| json!([])).as_array_mut()
}

fn whole(holder: &mut Object, attribute: &Attribute, step: &Step<'_, '_>) -> Result<(), Error> {
    let value = step.value.unwrap_or(&Value::Null);
    if step.verb == Verb::Remove {
        if !attribute.multi_valued || value.is_null() {
            return unassign(holder, attribute);
        }
        let listed = document::elements(attribute, value)?;
        if let Some(items) = list(holder, attribute) {
            elements::remove_listed(items, attribute, &listed);
        }
        return Ok(());
    }
    match coerce(attribute, value)? {
        None if attribute.multi_valued && step.verb == Verb::Add => {}
        None => match value {
            // An object whose members are all null or blank unassigns just those.
            Value::Object(sent) if attribute.kind == Kind::Complex && !attribute.multi_valued && !sent.is_empty() => {
                merge(holder, attribute, sent, Object::new())?;
            }
            _ => unassign(holder, attribute)?,
        },
        Some(Value::Array(new)) if step.verb == Verb::Add => {
            if let Some(items) = list(holder, attribute) {
                elements::append(items, attribute, new)?;
            }
        }
        Some(Value::Object(new)) if !attribute.multi_valued => {
            let empty = Object::new();
            // Entra sends a manager as a list of one.
            let sent = value.as_array().and_then(|items| items.first()).unwrap_or(value).as_object();
            merge(holder, attribute, sent.unwrap_or(&empty), new)?;
        }
        Some(new) => {
            holder.insert(attribute.name.clone(), new);
        }
    }
    Ok(())
}

fn unassign(holder: &mut Object, attribute: &Attribute) -> Result<(), Error> {
    if attribute.required {
        return Err(Error::bad(ScimType::Mutability, format!("{} cannot be removed", attribute.name)));
    }
    holder.shift_remove(&attribute.name);
    Ok(())
}

/// Sub-attributes not named stay; those sent as null or blank go, unless a value was taken for them.
fn merge(holder: &mut Object, attribute: &Attribute, sent: &Object, accepted: Object) -> Result<(), Error> {
    let current = holder.entry(attribute.name.clone()).or_insert_with(|| json!({}));
    let Some(current) = current.as_object_mut() else { return Ok(()) };
    elements::keep_immutable(current, attribute, &accepted)?;
    let before = current.get("value").cloned();
    for sub in attribute.sub_attributes.iter().filter(|sub| !accepted.contains_key(&sub.name)) {
        if member(sent, &sub.name).is_some_and(|value| value.is_null() || value.as_str() == Some("")) {
            current.shift_remove(&sub.name);
        }
    }
    let refers = accepted.contains_key("$ref");
    current.extend(accepted);
    if !refers {
        forget_reference(current, before.as_ref());
    }
    Ok(())
}

/// Where a value names somebody else than before, or nobody, a reference that was sent with the other one leads astray.
fn forget_reference(holder: &mut Object, before: Option<&Value>) {
    if before.is_some() && holder.get("value") != before {
        holder.shift_remove("$ref");
    }
}

fn sub_attribute(
    holder: &mut Object,
    attribute: &Attribute,
    sub: &Attribute,
    step: &Step<'_, '_>,
) -> Result<(), Error> {
    let value = match step.verb {
        Verb::Remove => None,
        Verb::Add | Verb::Replace => coerce(sub, step.value.unwrap_or(&Value::Null))?,
    };
    if attribute.multi_valued {
        if let Some(Value::Array(items)) = holder.get_mut(&attribute.name) {
            for element in items.iter_mut().filter_map(Value::as_object_mut) {
                assign(element, attribute, sub, value.as_ref())?;
            }
            keep_one_primary(items);
        }
        return Ok(());
    }
    match holder.entry(attribute.name.clone()).or_insert_with(|| json!({})).as_object_mut() {
        Some(current) => {
            let before = current.get("value").cloned();
            assign(current, attribute, sub, value.as_ref())?;
            if sub.name == "value" {
                forget_reference(current, before.as_ref());
            }
            Ok(())
        }
        None => Ok(()),
    }
}

/// Sets or unsets a sub-attribute. An immutable one may get its first value, and its own value again; one that is required
/// goes with its value alone.
pub(super) fn assign(
    object: &mut Object,
    attribute: &Attribute,
    sub: &Attribute,
    value: Option<&Value>,
) -> Result<(), Error> {
    let held = object.get(&sub.name);
    if sub.mutability == Mutability::Immutable && held.is_some() && held != value {
        return Err(Error::bad(ScimType::Mutability, format!("{}.{} is immutable", attribute.name, sub.name)));
    }
    if sub.required && held.is_some() && value.is_none() {
        return Err(Error::bad(ScimType::Mutability, format!("{}.{} cannot be removed", attribute.name, sub.name)));
    }
    match value {
        Some(value) => {
            object.insert(sub.name.clone(), value.clone());
        }
        None => {
            object.shift_remove(&sub.name);
        }
    }
    Ok(())
}

/// A list of members after one change.
pub(crate) fn members_after(members: Value, step: &OwnedStep<'_>, options: Options) -> Result<Value, Error> {
    let mut group = Object::new();
    group.insert("members".to_owned(), members);
    change(&mut group, &step.borrowed(), options)?;
    Ok(group.shift_remove("members").unwrap_or_default())
}

/// How many values a step has to look at.
pub(super) fn visits(document: &Object, step: &Step<'_, '_>) -> usize {
    step.path.value(document).and_then(Value::as_array).map_or(1, Vec::len)
}

/// Empty structures, lists and extensions are the same as absent ones (RFC 7643 §2.5).
pub(super) fn drop_empty(resource: &ResourceType, document: &mut Object) {
    for schema in &resource.extensions {
        if let Some(Value::Object(extension)) = document.get_mut(&schema.id) {
            prune(extension);
        }
    }
    prune(document);
}

fn prune(object: &mut Object) {
    for value in object.values_mut() {
        if let Value::Array(items) = value {
            items.retain(|item| item.as_object().is_none_or(|object| !object.is_empty()));
        }
    }
    object.retain(|_, value| match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(object) => !object.is_empty(),
        Value::Null => false,
        _ => true,
    });
}

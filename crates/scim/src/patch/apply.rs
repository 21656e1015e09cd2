//! One operation on one document: the table of RFC 7644 §3.5.2 with what identity providers rely on beyond it.

use serde_json::{Value, json};

use super::{Operation, Options, Verb};
use crate::document::{coerce, keep_one_primary};
use crate::filter::{Expression, element_matches, fixed_values, parse_path};
use crate::json::member;
use crate::path::AttributePath;
use crate::schema::{Attribute, Kind, Mutability, ResourceType, Returned};
use crate::{Error, Object, ScimType};

pub(super) fn operation(
    resource: &ResourceType,
    document: &mut Object,
    operation: &Operation,
    options: Options,
) -> Result<(), Error> {
    let Some(path) = &operation.path else {
        return without_path(resource, document, operation, options);
    };
    let target = parse_path(resource, path)?;
    let read_only = |attribute: Option<&Attribute>| {
        attribute.is_some_and(|attribute| attribute.mutability == Mutability::ReadOnly)
    };
    if read_only(target.path.attribute) || read_only(target.path.sub) {
        return Err(Error::bad(ScimType::Mutability, format!("{} is readOnly", target.path)));
    }
    let value = match (operation.verb, &operation.value) {
        (Verb::Add | Verb::Replace, None) => {
            return Err(Error::value(format!("the operation on {} has no value", target.path)));
        }
        (_, value) => value.as_ref(),
    };
    change(document, operation.verb, &target.path, target.filter.as_ref(), value, options)
}

/// A value object without path: each member is a path of its own. What is unknown or readOnly is ignored, as in a body.
fn without_path(
    resource: &ResourceType,
    document: &mut Object,
    operation: &Operation,
    options: Options,
) -> Result<(), Error> {
    if operation.verb == Verb::Remove {
        return Err(Error::bad(ScimType::NoTarget, "remove needs a path"));
    }
    let Some(Value::Object(members)) = &operation.value else {
        return Err(Error::value("an operation without path needs an object as its value"));
    };
    for (name, value) in members {
        if name.contains('[') {
            let target = parse_path(resource, name)?;
            change(document, operation.verb, &target.path, target.filter.as_ref(), Some(value), options)?;
            continue;
        }
        let Some(path) = AttributePath::resolve(resource, name) else { continue };
        let read_only = path.attribute.is_some_and(|a| a.mutability == Mutability::ReadOnly || a.name == "schemas");
        if !read_only {
            change(document, operation.verb, &path, None, Some(value), options)?;
        }
    }
    Ok(())
}

fn change(
    document: &mut Object,
    verb: Verb,
    path: &AttributePath,
    filter: Option<&Expression>,
    value: Option<&Value>,
    options: Options,
) -> Result<(), Error> {
    let Some(attribute) = path.attribute else {
        return extension(document, verb, path, value, options);
    };
    if attribute.returned == Returned::Never {
        return value.map_or(Ok(()), |value| coerce(attribute, value).map(drop));
    }
    if attribute.name == "schemas" {
        return Ok(());
    }
    let holder = match path.extension {
        None => document,
        Some(schema) => {
            let extension = document.entry(schema.id).or_insert_with(|| json!({}));
            extension.as_object_mut().ok_or_else(|| Error::value(format!("{} is no object", schema.id)))?
        }
    };
    match (filter, path.sub) {
        (Some(filter), sub) if attribute.multi_valued => {
            elements(holder, verb, attribute, filter, sub, value, options)
        }
        (Some(_), _) => Err(Error::bad(ScimType::InvalidPath, format!("{} has no elements", attribute.name))),
        (None, Some(sub)) => sub_attribute(holder, verb, attribute, sub, value),
        (None, None) => whole(holder, verb, attribute, value),
    }
}

fn extension(
    document: &mut Object,
    verb: Verb,
    path: &AttributePath,
    value: Option<&Value>,
    options: Options,
) -> Result<(), Error> {
    let Some(schema) = path.extension else { return Ok(()) };
    match (verb, value) {
        (Verb::Remove, _) | (_, Some(Value::Null)) => {
            document.shift_remove(schema.id);
        }
        (_, Some(Value::Object(members))) => {
            for attribute in schema.attributes {
                if let Some(value) = member(members, attribute.name) {
                    let path = AttributePath { attribute: Some(attribute), ..*path };
                    change(document, verb, &path, None, Some(value), options)?;
                }
            }
        }
        _ => return Err(Error::value(format!("{} takes an object", schema.id))),
    }
    Ok(())
}

fn whole(holder: &mut Object, verb: Verb, attribute: &Attribute, value: Option<&Value>) -> Result<(), Error> {
    if verb == Verb::Remove {
        return match value {
            Some(value) if attribute.multi_valued && !value.is_null() => remove_listed(holder, attribute, value),
            _ => unassign(holder, attribute),
        };
    }
    let accepted = coerce(attribute, value.unwrap_or(&Value::Null))?;
    match accepted {
        None if verb == Verb::Add && attribute.multi_valued => {}
        None => {
            // An object whose members are all null unassigns just those.
            match value {
                Some(Value::Object(members)) if attribute.kind == Kind::Complex && !members.is_empty() => {
                    merge(holder, attribute, members, Object::new());
                }
                _ => unassign(holder, attribute)?,
            }
        }
        Some(Value::Array(new)) if verb == Verb::Add => append(holder, attribute, new),
        Some(Value::Object(new)) if !attribute.multi_valued => {
            let empty = Object::new();
            merge(holder, attribute, value.and_then(Value::as_object).unwrap_or(&empty), new);
        }
        Some(new) => {
            holder.insert(attribute.name.to_owned(), new);
        }
    }
    Ok(())
}

fn unassign(holder: &mut Object, attribute: &Attribute) -> Result<(), Error> {
    // Unassigning `active` would fall back to its default and let a deactivated user in again.
    if attribute.required || attribute.name == "active" {
        return Err(Error::bad(ScimType::Mutability, format!("{} cannot be removed", attribute.name)));
    }
    holder.shift_remove(attribute.name);
    Ok(())
}

/// Sub-attributes not named stay; those sent as null go.
fn merge(holder: &mut Object, attribute: &Attribute, sent: &Object, accepted: Object) {
    let current = holder.entry(attribute.name).or_insert_with(|| json!({}));
    let Some(current) = current.as_object_mut() else { return };
    for sub in attribute.sub_attributes {
        if member(sent, sub.name).is_some_and(Value::is_null) {
            current.shift_remove(sub.name);
        }
    }
    current.extend(accepted);
}

/// Appends what is not there yet; members are a union by value.
fn append(holder: &mut Object, attribute: &Attribute, new: Vec<Value>) {
    let current = holder.entry(attribute.name).or_insert_with(|| json!([]));
    let Some(current) = current.as_array_mut() else { return };
    for element in new {
        let same = |held: &Value| {
            *held == element || (attribute.name == "members" && held.get("value") == element.get("value"))
        };
        if !current.iter().any(same) {
            current.push(element);
        }
    }
    keep_one_primary(current, true);
}

/// Entra's `remove` with a list of values removes only those listed.
fn remove_listed(holder: &mut Object, attribute: &Attribute, value: &Value) -> Result<(), Error> {
    let Some(Value::Array(listed)) = coerce(attribute, value)? else { return Ok(()) };
    if let Some(Value::Array(current)) = holder.get_mut(attribute.name) {
        let same = |held: &Value, gone: &Value| match gone.get("value") {
            Some(value) => held.get("value") == Some(value),
            None => held == gone,
        };
        current.retain(|held| !listed.iter().any(|gone| same(held, gone)));
    }
    Ok(())
}

fn sub_attribute(
    holder: &mut Object,
    verb: Verb,
    attribute: &Attribute,
    sub: &Attribute,
    value: Option<&Value>,
) -> Result<(), Error> {
    let value = match verb {
        Verb::Remove => None,
        Verb::Add | Verb::Replace => coerce(sub, value.unwrap_or(&Value::Null))?,
    };
    if attribute.multi_valued {
        if let Some(Value::Array(items)) = holder.get_mut(attribute.name) {
            for item in items.iter_mut().filter_map(Value::as_object_mut) {
                assign(item, sub, value.as_ref());
            }
            keep_one_primary(items, false);
        }
        return Ok(());
    }
    let current = holder.entry(attribute.name).or_insert_with(|| json!({}));
    if let Some(current) = current.as_object_mut() {
        assign(current, sub, value.as_ref());
    }
    Ok(())
}

fn assign(object: &mut Object, sub: &Attribute, value: Option<&Value>) {
    match value {
        Some(value) => {
            object.insert(sub.name.to_owned(), value.clone());
        }
        None => {
            object.shift_remove(sub.name);
        }
    }
}

fn elements(
    holder: &mut Object,
    verb: Verb,
    attribute: &Attribute,
    filter: &Expression,
    sub: Option<&'static Attribute>,
    value: Option<&Value>,
    options: Options,
) -> Result<(), Error> {
    let current = holder.entry(attribute.name).or_insert_with(|| json!([]));
    let Some(current) = current.as_array_mut() else { return Ok(()) };
    let mut matching: Vec<usize> =
        (0..current.len()).filter(|place| element_matches(filter, &current[*place])).collect();
    if verb == Verb::Remove {
        match sub {
            None => {
                let mut place = 0;
                current.retain(|_| {
                    place += 1;
                    !matching.contains(&(place - 1))
                });
            }
            Some(sub) => {
                for place in matching {
                    if let Some(element) = current[place].as_object_mut() {
                        element.shift_remove(sub.name);
                    }
                }
            }
        }
        return Ok(());
    }
    if matching.is_empty() {
        let create = verb == Verb::Add || options.create_on_replace;
        let fixed = fixed_values(filter).filter(|_| create).ok_or_else(|| {
            Error::bad(ScimType::NoTarget, format!("no element of {} matches the path", attribute.name))
        })?;
        let fresh: Object = fixed.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        current.push(Value::Object(fresh));
        matching.push(current.len() - 1);
    }
    match sub {
        Some(sub) => {
            let value = coerce(sub, value.unwrap_or(&Value::Null))?;
            for place in &matching {
                let Some(element) = current[*place].as_object_mut() else { continue };
                let held = element.get(sub.name);
                if sub.mutability == Mutability::Immutable && held.is_some() && held != value.as_ref() {
                    let detail = format!("{}.{} is immutable", attribute.name, sub.name);
                    return Err(Error::bad(ScimType::Mutability, detail));
                }
                assign(element, sub, value.as_ref());
            }
        }
        None => {
            let value = match value {
                Some(Value::Array(items)) if items.len() == 1 => &items[0],
                Some(value) => value,
                None => &Value::Null,
            };
            let Some(Value::Array(mut accepted)) = coerce(attribute, value)? else {
                return Err(Error::value(format!("an element of {} must be a complex value", attribute.name)));
            };
            let Some(Value::Object(new)) = accepted.pop() else { return Ok(()) };
            for place in &matching {
                match current[*place].as_object_mut() {
                    Some(element) if verb == Verb::Add => element.extend(new.clone()),
                    _ => current[*place] = Value::Object(new.clone()),
                }
            }
        }
    }
    // The element just made primary takes it from the others.
    if let Some(place) = matching.iter().copied().find(|place| current[*place].get("primary") == Some(&Value::Bool(true))) {
        for (other, element) in current.iter_mut().enumerate() {
            if other != place && element.get("primary") == Some(&Value::Bool(true)) {
                element["primary"] = Value::Bool(false);
            }
        }
    }
    Ok(())
}

/// Empty structures, lists and extensions are the same as absent ones (RFC 7643 §2.5).
pub(super) fn drop_empty(resource: &ResourceType, document: &mut Object) {
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
    for schema in resource.extensions {
        if let Some(Value::Object(extension)) = document.get_mut(schema.id) {
            prune(extension);
        }
    }
    prune(document);
}

//! Elements of multi-valued attributes: adding and removing whole ones, and value paths, `emails[type eq
//! "work"].value`.

use std::collections::HashMap;

use serde_json::Value;

use super::apply::assign;
use super::normalise::Step;
use super::{Options, Verb};
use crate::document::{self, coerce, is_primary, leave_primary_to};
use crate::filter::{Expression, element_matches, fixed_values};
use crate::same::{Sameness, beside};
use crate::schema::{Attribute, Mutability};
use crate::{Error, Object, ScimType};

/// Appends what is not there yet. What has the same `type` and `value` is the same element; members are a union by
/// value. The newest `primary` takes it from the others (RFC 7644 §3.5.2).
pub(super) fn append(items: &mut Vec<Value>, attribute: &Attribute, new: Vec<Value>) -> Result<(), Error> {
    let sameness = Sameness::of(attribute);
    let mut places: Option<HashMap<String, usize>> = (new.len() > FEW)
        .then(|| items.iter().enumerate().rev().map(|(place, item)| (sameness.identity(item), place)).collect());
    let mut newest = None;
    for element in new {
        let primary = is_primary(&element);
        let place = match &mut places {
            Some(places) => *places.entry(sameness.identity(&element)).or_insert(items.len()),
            None => items.iter().position(|held| sameness.is_same(held, &element)).unwrap_or(items.len()),
        };
        match (items.get_mut(place), element) {
            (None, element) => items.push(element),
            (Some(Value::Object(held)), Value::Object(element)) if !attribute.is_membership() => {
                let beside = beside(element);
                keep_immutable(held, attribute, &beside)?;
                held.extend(beside);
            }
            (Some(_), _) => {}
        }
        if primary {
            newest = Some(place);
        }
    }
    if newest.is_some() {
        leave_primary_to(items, newest);
    }
    Ok(())
}

/// Up to so many elements are looked for one by one, which costs less than a map of all there are.
const FEW: usize = 8;

/// Entra's `remove` with a list of values removes only those listed, of the `type` they name if they name one.
pub(super) fn remove_listed(items: &mut Vec<Value>, attribute: &Attribute, listed: &[Value]) {
    let sameness = Sameness::of(attribute);
    if listed.len() <= FEW {
        items.retain(|held| !listed.iter().any(|listed| sameness.is_named(held, listed)));
        return;
    }
    let mut gone: HashMap<String, Vec<&Value>> = HashMap::new();
    for element in listed {
        gone.entry(sameness.value_identity(element)).or_default().push(element);
    }
    items.retain(|held| {
        let named = gone.get(&sameness.value_identity(held));
        !named.is_some_and(|listed| listed.iter().any(|listed| sameness.is_of_named_type(held, listed)))
    });
}

/// `remove` on a value path: the matching elements, or one sub-attribute of each. None matching is a success.
pub(super) fn remove(
    items: &mut Vec<Value>,
    attribute: &Attribute,
    filter: &Expression<'_>,
    sub: Option<&Attribute>,
) -> Result<(), Error> {
    let Some(sub) = sub else {
        items.retain(|item| !element_matches(filter, item));
        return Ok(());
    };
    for item in items.iter_mut().filter(|item| element_matches(filter, item)) {
        if let Some(element) = item.as_object_mut() {
            assign(element, attribute, sub, None)?;
        }
    }
    Ok(())
}

/// `add` and `replace` on a value path: changes the matching elements; where none matches, `add` creates it from an
/// `eq`-only filter (Microsoft's validator), `replace` only if the tenant's identity provider is Entra.
pub(super) fn set(
    items: &mut Vec<Value>,
    attribute: &Attribute,
    filter: &Expression<'_>,
    step: &Step<'_, '_>,
    options: Options,
) -> Result<(), Error> {
    let value = step.value.unwrap_or(&Value::Null);
    let new = match step.path.sub {
        Some(sub) => New::Sub(sub, coerce(sub, value)?),
        None => New::Whole(document::element(attribute, value)?),
    };
    let mut touched: Vec<usize> = (0..items.len()).filter(|place| element_matches(filter, &items[*place])).collect();
    if touched.is_empty() {
        let create = step.verb == Verb::Add || options.create_on_replace;
        let mut fresh = if create { described(filter)? } else { None }.ok_or_else(|| no_target(attribute))?;
        match new {
            // Nothing is said of an element that is not there.
            New::Sub(_, None) => return Ok(()),
            New::Sub(sub, value) => assign(&mut fresh, attribute, sub, value.as_ref())?,
            New::Whole(element) => fresh.extend(element),
        }
        if attribute.is_membership() {
            return add_member(items, fresh);
        }
        items.push(Value::Object(fresh));
        touched.push(items.len() - 1);
    } else {
        for place in &touched {
            let Some(element) = items[*place].as_object_mut() else { continue };
            match &new {
                New::Sub(sub, value) => assign(element, attribute, sub, value.as_ref())?,
                New::Whole(new) => exchange(element, attribute, new, step.verb)?,
            }
        }
    }
    let keeper = touched.into_iter().find(|place| is_primary(&items[*place]));
    if keeper.is_some() {
        leave_primary_to(items, keeper);
    }
    Ok(())
}

/// A member that a value path describes: by an id, and once, as every other member.
fn add_member(members: &mut Vec<Value>, fresh: Object) -> Result<(), Error> {
    let id = fresh.get("value").and_then(Value::as_str).filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| Error::value("a member needs a value"))?;
    if !members.iter().any(|member| member.get("value").and_then(Value::as_str) == Some(id)) {
        members.push(Value::Object(fresh));
    }
    Ok(())
}

/// Merges into an element, or puts another in its place. What is immutable stays either way.
fn exchange(element: &mut Object, attribute: &Attribute, new: &Object, verb: Verb) -> Result<(), Error> {
    keep_immutable(element, attribute, new)?;
    if verb == Verb::Replace {
        element.retain(|name, _| attribute.sub(name).is_some_and(|sub| sub.mutability == Mutability::Immutable));
    }
    element.extend(new.clone());
    Ok(())
}

/// Refuses new sub-attributes that would change immutable ones.
pub(super) fn keep_immutable(held: &Object, attribute: &Attribute, new: &Object) -> Result<(), Error> {
    for sub in attribute.sub_attributes.iter().filter(|sub| sub.mutability == Mutability::Immutable) {
        if let (Some(held), Some(sent)) = (held.get(&sub.name), new.get(&sub.name))
            && held != sent
        {
            return Err(Error::bad(ScimType::Mutability, format!("{}.{} is immutable", attribute.name, sub.name)));
        }
    }
    Ok(())
}

enum New<'a> {
    Sub(&'a Attribute, Option<Value>),
    Whole(Object),
}

/// The element an `eq`-only filter describes; none if it describes none, contradicts itself, or names what is readOnly.
fn described(filter: &Expression<'_>) -> Result<Option<Object>, Error> {
    let Some(fixed) = fixed_values(filter) else { return Ok(None) };
    let mut element = Object::new();
    for (attribute, value) in fixed {
        if attribute.mutability == Mutability::ReadOnly {
            return Ok(None);
        }
        if let Some(value) = coerce(attribute, value)? {
            element.insert(attribute.name.clone(), value);
        }
    }
    let element = Value::Object(element);
    Ok(if element_matches(filter, &element) { element.as_object().cloned() } else { None })
}

fn no_target(attribute: &Attribute) -> Error {
    Error::bad(ScimType::NoTarget, format!("no element of {} matches the path", attribute.name))
}

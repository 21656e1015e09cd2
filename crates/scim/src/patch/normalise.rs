//! The tolerant entrance of PATCH: an operation in any dialect becomes steps, each with one resolved path.
//!
//! Without path every member of the value is a path of its own: plain, dotted (`name.givenName`), URN-qualified, a
//! value path, or a whole extension (Entra with and without `aadOptscim062020`, Okta). What is unknown or readOnly
//! there is ignored, as in a body, because clients repeat what they have read; in a `path` it is refused.

use serde_json::Value;

use super::{Operation, Verb};
use crate::document::coerce;
use crate::filter::{Expression, parse_path};
use crate::json::member;
use crate::path::AttributePath;
use crate::schema::{Attribute, Kind, Mutability, ResourceType, Returned};
use crate::{Error, Object, ScimType};

static NULL: Value = Value::Null;

/// One change at one place.
#[derive(Clone)]
pub(crate) struct Step<'a, 's> {
    pub verb: Verb,
    pub path: AttributePath<'s>,
    /// Which elements of a multi-valued attribute.
    pub filter: Option<Expression<'s>>,
    pub value: Option<&'a Value>,
}

impl Step<'_, '_> {
    /// Whether it is about a group's members.
    pub(crate) fn changes_members(&self) -> bool {
        self.path.attribute.is_some_and(Attribute::is_membership)
    }
}

/// A step that outlives its request.
#[derive(Clone)]
pub(crate) struct OwnedStep<'s> {
    verb: Verb,
    path: AttributePath<'s>,
    filter: Option<Expression<'s>>,
    value: Option<Value>,
}

impl<'s> OwnedStep<'s> {
    pub(crate) fn of(step: &Step<'_, 's>) -> Self {
        Self { verb: step.verb, path: step.path, filter: step.filter.clone(), value: step.value.cloned() }
    }

    pub(crate) fn borrowed(&self) -> Step<'_, 's> {
        Step { verb: self.verb, path: self.path, filter: self.filter.clone(), value: self.value.as_ref() }
    }
}

/// What an operation comes to, in its order.
pub(crate) fn steps<'a, 's>(resource: &'s ResourceType, operation: &'a Operation) -> Result<Vec<Step<'a, 's>>, Error> {
    let mut steps = Vec::new();
    match &operation.path {
        Some(path) => with_path(resource, operation, path, &mut steps)?,
        None => without_path(resource, operation, &mut steps)?,
    }
    Ok(steps)
}

fn with_path<'a, 's>(
    resource: &'s ResourceType,
    operation: &'a Operation,
    path: &str,
    steps: &mut Vec<Step<'a, 's>>,
) -> Result<(), Error> {
    let target = parse_path(resource, path)?;
    if read_only(&target.path) {
        return Err(Error::bad(ScimType::Mutability, format!("{} is readOnly", target.path)));
    }
    if operation.verb != Verb::Remove && operation.value.is_none() {
        return Err(Error::value(format!("the operation on {} has no value", target.path)));
    }
    let value = operation.value.as_ref();
    push(resource, Step { verb: operation.verb, path: target.path, filter: target.filter, value }, steps)
}

fn without_path<'a, 's>(
    resource: &'s ResourceType,
    operation: &'a Operation,
    steps: &mut Vec<Step<'a, 's>>,
) -> Result<(), Error> {
    if operation.verb == Verb::Remove {
        return Err(Error::bad(ScimType::NoTarget, "remove needs a path"));
    }
    let members = match &operation.value {
        Some(Value::Object(members)) => members,
        Some(Value::Array(items)) if let [Value::Object(members)] = items.as_slice() => members,
        _ => return Err(Error::value("an operation without path needs an object as its value")),
    };
    for (name, value) in members {
        let (path, filter) = match name.split_once('[') {
            Some((attribute, _)) if AttributePath::resolve(resource, attribute.trim()).is_some() => {
                let target = parse_path(resource, name)?;
                (target.path, target.filter)
            }
            Some(_) => continue,
            None => match AttributePath::resolve(resource, name) {
                Some(path) => (path, None),
                None => continue,
            },
        };
        if !read_only(&path) {
            push(resource, Step { verb: operation.verb, path, filter, value: Some(value) }, steps)?;
        }
    }
    Ok(())
}

fn push<'a, 's>(
    resource: &'s ResourceType,
    mut step: Step<'a, 's>,
    steps: &mut Vec<Step<'a, 's>>,
) -> Result<(), Error> {
    let Some(attribute) = step.path.attribute else {
        return extension(resource, step, steps);
    };
    step.value = step.value.map(|value| unwrapped(step.path.sub.unwrap_or(attribute), value));
    if attribute.returned == Returned::Never {
        // A password is checked for its type and goes no further (RFC 7643 §4.1.1).
        return step.value.map_or(Ok(()), |value| coerce(attribute, value).map(drop));
    }
    // `schemas` follows from what the document holds.
    if attribute.name != "schemas" {
        steps.push(step);
    }
    Ok(())
}

/// A whole extension: its members are merged one by one; remove and null drop it.
fn extension<'a, 's>(
    resource: &'s ResourceType,
    step: Step<'a, 's>,
    steps: &mut Vec<Step<'a, 's>>,
) -> Result<(), Error> {
    let Some(schema) = step.path.extension else { return Ok(()) };
    match (step.verb, step.value) {
        (Verb::Remove, _) | (_, Some(Value::Null)) => steps.push(Step { verb: Verb::Remove, value: None, ..step }),
        (verb, Some(Value::Object(members))) => {
            for (name, value) in members {
                let path = AttributePath::resolve(resource, &format!("{}:{name}", schema.id));
                if let Some(path) = path.filter(|path| path.attribute.is_some() && !read_only(path)) {
                    push(resource, Step { verb, path, filter: None, value: Some(value) }, steps)?;
                }
            }
        }
        _ => return Err(Error::value(format!("{} takes an object", schema.id))),
    }
    Ok(())
}

fn read_only(path: &AttributePath<'_>) -> bool {
    let fixed = |attribute: Option<&Attribute>| attribute.is_some_and(|a| a.mutability == Mutability::ReadOnly);
    fixed(path.attribute) || fixed(path.sub)
}

/// Older Entra jobs wrap a single value: `[{"$ref":null,"value":"False"}]` stands for `"False"`. An empty list is null
/// (RFC 7643 §2.5).
fn unwrapped<'a>(attribute: &Attribute, value: &'a Value) -> &'a Value {
    if attribute.multi_valued || attribute.kind == Kind::Complex {
        return value;
    }
    match value.as_array().map(Vec::as_slice) {
        Some([]) => &NULL,
        Some([Value::Object(only)]) => inner(only).unwrap_or(value),
        Some([only]) => only,
        _ => value,
    }
}

fn inner(object: &Object) -> Option<&Value> {
    member(object, "value")
}

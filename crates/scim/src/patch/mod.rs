//! PATCH (RFC 7644 §3.5.2): one engine over the document, atomic, answering with what became different.
//!
//! Dialects are normalised at the entrance: `Replace` and `operations` in any letter case, string booleans, dotted and
//! URN-qualified keys in a value without path (Entra), a path-less `replace` that repeats a readOnly `id` (Okta),
//! `remove` with a list of values (Entra), a manager as string or list.

mod apply;
mod elements;
mod normalise;
mod visits;

use std::collections::BTreeSet;

pub(crate) use apply::members_after;
pub(crate) use normalise::{OwnedStep, Step};
pub use visits::MAX_VISITS;
pub(crate) use visits::Visits;

use serde_json::Value;

use crate::json::member;
use crate::schema::ResourceType;
use crate::{Error, Object, ScimType, document, ignored, lasting};

/// The most operations of one request.
pub const MAX_OPERATIONS: usize = 1_000;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Add,
    Remove,
    Replace,
}

/// An operation as sent.
#[derive(Clone, PartialEq)]
pub(crate) struct Operation {
    pub verb: Verb,
    pub path: Option<String>,
    pub value: Option<Value>,
}

/// A parsed PATCH request.
#[derive(Clone, PartialEq)]
pub struct Patch {
    operations: Vec<Operation>,
    /// About how many bytes they were sent as.
    pub(crate) bytes: usize,
    /// Members are changed elsewhere: see [`members::divide`](crate::members::divide).
    without_members: bool,
}

/// What depends on the tenant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// `replace` on a value path that matches nothing creates the element (Entra) instead of `noTarget`.
    pub create_on_replace: bool,
}

/// What a PATCH came to.
#[derive(Clone, PartialEq)]
pub struct Applied {
    /// The document afterwards.
    pub document: Object,
    /// The attributes that differ, by canonical name; of an extension `URN:name`. Empty for a no-op.
    pub changed: BTreeSet<String>,
}

impl Patch {
    /// Whether an operation sets `active` to false: that always ends the user's sessions, whatever the directory
    /// believes (K4).
    pub fn deactivates(&self, resource: &ResourceType) -> bool {
        let mut deactivates = false;
        // What cannot be read is refused when it is applied.
        for operation in &self.operations {
            for step in normalise::steps(resource, operation).unwrap_or_default() {
                let sets = step.verb != Verb::Remove && step.path.extension.is_none();
                let active = step.path.attribute.filter(|attribute| sets && attribute.name == "active");
                let value = active.zip(step.value).and_then(|(active, value)| document::coerce(active, value).ok()?);
                deactivates |= value == Some(Value::Bool(false));
            }
        }
        deactivates
    }

    /// The names in values without path that no schema has: see [`ignored`].
    pub fn ignored(&self, resource: &ResourceType) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for value in self.operations.iter().filter(|operation| operation.path.is_none()) {
            if let Some(Value::Object(value)) = &value.value {
                ignored::in_patch(&mut names, resource, value);
            }
        }
        names
    }

    /// Calls for every change in its order, until one fails.
    pub(crate) fn each_step<'a, 's>(
        &'a self,
        resource: &'s ResourceType,
        mut call: impl FnMut(&Step<'a, 's>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for operation in &self.operations {
            for step in normalise::steps(resource, operation)? {
                if !(self.without_members && step.changes_members()) {
                    call(&step)?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn leave_members_out(&mut self) {
        self.without_members = true;
    }
}

/// Values are personal data: a patch prints how many operations it has.
impl std::fmt::Debug for Patch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Patch({} operations)", self.operations.len())
    }
}

impl std::fmt::Debug for Applied {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Applied").field("changed", &self.changed).finish_non_exhaustive()
    }
}

/// Reads a PatchOp body. A missing `schemas` is tolerated; missing operations are not.
pub fn parse(body: &Value) -> Result<Patch, Error> {
    let body = body.as_object().ok_or_else(|| Error::syntax("the body must be a JSON object"))?;
    let operations = member(body, "Operations")
        .and_then(Value::as_array)
        .ok_or_else(|| Error::syntax("Operations must be a list"))?;
    if operations.is_empty() {
        return Err(Error::syntax("Operations is empty"));
    }
    if operations.len() > MAX_OPERATIONS {
        return Err(Error::bad(ScimType::TooMany, format!("more than {MAX_OPERATIONS} operations")));
    }
    let bytes = operations.iter().map(visits::bytes).sum();
    let operations = operations.iter().map(operation).collect::<Result<_, _>>()?;
    Ok(Patch { operations, bytes, without_members: false })
}

fn operation(value: &Value) -> Result<Operation, Error> {
    let object = value.as_object().ok_or_else(|| Error::syntax("an operation must be a JSON object"))?;
    let verb = match member(object, "op").and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
        Some("add") => Verb::Add,
        Some("remove") => Verb::Remove,
        Some("replace") => Verb::Replace,
        _ => return Err(Error::syntax("op must be add, remove or replace")),
    };
    let path = match member(object, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) => Some(path.clone()).filter(|path| !path.trim().is_empty()),
        Some(_) => return Err(Error::bad(ScimType::InvalidPath, "path must be a string")),
    };
    Ok(Operation { verb, path, value: member(object, "value").cloned() })
}

/// Applies a PATCH to a document: all of it or nothing.
pub fn apply(resource: &ResourceType, before: &Object, patch: &Patch, options: Options) -> Result<Applied, Error> {
    let mut document = before.clone();
    let mut visits = Visits::of(patch.bytes, visits::values(before));
    patch.each_step(resource, |step| {
        visits.look(apply::visits(&document, step))?;
        apply::change(&mut document, step, options)
    })?;
    apply::drop_empty(resource, &mut document);
    document::check_required(resource, &document)?;
    lasting::check(resource, before, &document)?;
    let changed = difference(resource, before, &document);
    Ok(Applied { document, changed })
}

/// The attributes in which two documents differ.
pub fn difference(resource: &ResourceType, before: &Object, after: &Object) -> BTreeSet<String> {
    let mut changed = BTreeSet::new();
    for name in before.keys().chain(after.keys()) {
        if before.get(name) == after.get(name) {
            continue;
        }
        if resource.extension(name).is_none() {
            changed.insert(name.clone());
            continue;
        }
        let empty = Object::new();
        let inner = |document: &'_ Object| document.get(name).and_then(Value::as_object).cloned();
        let (old, new) = (inner(before), inner(after));
        let (old, new) = (old.as_ref().unwrap_or(&empty), new.as_ref().unwrap_or(&empty));
        for key in old.keys().chain(new.keys()).filter(|key| old.get(*key) != new.get(*key)) {
            changed.insert(format!("{name}:{key}"));
        }
    }
    changed
}

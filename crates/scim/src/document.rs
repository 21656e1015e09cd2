//! Documents: what a POST or PUT body becomes, and what an answer is rendered from (RFC 7643 §2, RFC 7644 §3.3,
//! §3.5.1).
//!
//! A document holds canonical names, JSON booleans, extensions nested under their URN; no id, no meta, nothing the
//! client may not write, nothing empty.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::json::member;
use crate::same::Sameness;
use crate::schema::{Attribute, Kind, Mutability, ResourceType, Returned};
use crate::{Error, Object, etag, lasting, members};

/// A body as a document. Unknown attributes and what is readOnly are ignored; wrong types are refused; what is
/// required has to be there.
pub fn accept(resource: &ResourceType, body: &Value) -> Result<Object, Error> {
    let body = body.as_object().ok_or_else(|| Error::syntax("the body must be a JSON object"))?;
    let mut document = Object::new();
    for attribute in &resource.schema.attributes {
        take(&mut document, attribute, member(body, &attribute.name))?;
    }
    if let Some(attribute) = resource.attribute("externalId") {
        take(&mut document, attribute, member(body, "externalId"))?;
    }
    for schema in &resource.extensions {
        let values = match member(body, &schema.id) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(items)) if items.is_empty() => continue,
            Some(Value::Object(values)) => values,
            Some(_) => return Err(Error::value(format!("{} takes an object", schema.id))),
        };
        let mut extension = Object::new();
        for attribute in &schema.attributes {
            take(&mut extension, attribute, member(values, &attribute.name))?;
        }
        if !extension.is_empty() {
            document.insert(schema.id.clone(), Value::Object(extension));
        }
    }
    check_required(resource, &document)?;
    Ok(document)
}

/// A document replaced by a PUT body: what is left out is cleared, except `active`, which keeps its state (a PUT
/// without it never re-enables anybody), what is immutable, which a PUT may repeat but not change (RFC 7644 §3.5.1),
/// and extensions that are no longer registered, of which the client does not know.
pub fn replace(resource: &ResourceType, current: &Object, body: &Value) -> Result<Object, Error> {
    let mut document = accept(resource, body)?;
    if resource.attribute("active").is_some()
        && !document.contains_key("active")
        && let Some(active) = current.get("active")
    {
        document.insert("active".to_owned(), active.clone());
    }
    for (name, held) in current.iter().filter(|(name, _)| is_urn(name) && resource.extension(name).is_none()) {
        document.insert(name.clone(), held.clone());
    }
    lasting::keep(resource, current, &mut document);
    lasting::check(resource, current, &document)?;
    Ok(document)
}

/// Refuses a document that lacks what is required; of an extension, or of a complex value, only if the document has it.
pub(crate) fn check_required(resource: &ResourceType, document: &Object) -> Result<(), Error> {
    let check = |attributes: &[Attribute], holder: &Object| {
        // A value that never leaves is not in the document either: it cannot be missed here.
        for attribute in attributes.iter().filter(|attribute| attribute.returned != Returned::Never) {
            let value = holder.get(&attribute.name);
            if attribute.required && attribute.mutability != Mutability::ReadOnly && value.is_none_or(is_blank) {
                return Err(Error::value(format!("{} is required", attribute.name)));
            }
            value.map_or(Ok(()), |value| check_parts(attribute, value))?;
        }
        Ok(())
    };
    check(&resource.schema.attributes, document)?;
    resource.extensions.iter().try_for_each(|schema| match document.get(&schema.id).and_then(Value::as_object) {
        Some(extension) => check(&schema.attributes, extension),
        None => Ok(()),
    })
}

fn check_parts(attribute: &Attribute, value: &Value) -> Result<(), Error> {
    for sub in attribute.sub_attributes.iter().filter(|sub| sub.required && sub.mutability != Mutability::ReadOnly) {
        let elements = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        if elements.iter().any(|element| element.get(&sub.name).is_none_or(is_blank)) {
            return Err(Error::value(format!("{}.{} is required", attribute.name, sub.name)));
        }
    }
    Ok(())
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn take(document: &mut Object, attribute: &Attribute, value: Option<&Value>) -> Result<(), Error> {
    if attribute.mutability == Mutability::ReadOnly {
        return Ok(());
    }
    let Some(value) = value else { return Ok(()) };
    let accepted = coerce(attribute, value)?;
    // A password is checked for its type and goes no further: it is never stored (RFC 7643 §4.1.1).
    if attribute.returned == Returned::Never {
        return Ok(());
    }
    if let Some(value) = accepted {
        document.insert(attribute.name.clone(), value);
    }
    Ok(())
}

/// A value in the form its attribute has; `None` where it says nothing: null, `[]` and absent are one (RFC 7643 §2.5).
pub(crate) fn coerce(attribute: &Attribute, value: &Value) -> Result<Option<Value>, Error> {
    if value.is_null() {
        return Ok(None);
    }
    if !attribute.multi_valued {
        // Entra sends a manager as a list of one.
        let value = match value {
            Value::Array(items) if attribute.kind == Kind::Complex => match items.as_slice() {
                [] => return Ok(None),
                [only] => only,
                _ => return Err(Error::value(format!("{} takes one value", attribute.name))),
            },
            other => other,
        };
        return single(attribute, value);
    }
    let mut elements = elements(attribute, value)?;
    if !attribute.is_membership() {
        elements = Sameness::of(attribute).merged(elements);
    }
    keep_one_primary(&mut elements);
    Ok(if elements.is_empty() { None } else { Some(Value::Array(elements)) })
}

/// The values of a multi-valued attribute as sent, each once; one that is no list is a list of one.
pub(crate) fn elements(attribute: &Attribute, value: &Value) -> Result<Vec<Value>, Error> {
    if attribute.is_membership() {
        return Ok(members::parse(value)?.iter().map(members::Member::to_json).collect());
    }
    let mut elements = Vec::new();
    // A set, because a body may hold a hundred thousand values.
    let mut seen = HashSet::new();
    let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    for item in items.iter().filter(|item| !item.is_null()) {
        if let Some(element) = single(attribute, item)?
            && seen.insert(element.to_string())
        {
            elements.push(element);
        }
    }
    Ok(elements)
}

/// One element of a multi-valued complex attribute; a list of one counts as its element. A value path needs no `value`
/// repeated in it.
pub(crate) fn element(attribute: &Attribute, value: &Value) -> Result<Object, Error> {
    let only = match value.as_array().map(Vec::as_slice) {
        Some([only]) => only,
        _ => value,
    };
    match single(attribute, only)? {
        Some(Value::Object(element)) => Ok(element),
        _ => Err(Error::value(format!("an element of {} must be one complex value", attribute.name))),
    }
}

pub(crate) fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

/// `primary` is true at most once (RFC 7643 §2.4): the first keeps it.
pub(crate) fn keep_one_primary(elements: &mut [Value]) {
    leave_primary_to(elements, elements.iter().position(is_primary));
}

/// Takes `primary` from all elements but one.
pub(crate) fn leave_primary_to(elements: &mut [Value], keeper: Option<usize>) {
    for (place, element) in elements.iter_mut().enumerate() {
        if Some(place) != keeper && is_primary(element) {
            element["primary"] = Value::Bool(false);
        }
    }
}

fn single(attribute: &Attribute, value: &Value) -> Result<Option<Value>, Error> {
    let wrong = |form: &str| Error::value(format!("{} must be {form}", attribute.name));
    let accepted = match attribute.kind {
        Kind::Boolean => match value {
            Value::Bool(_) => value.clone(),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Value::Bool(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Value::Bool(false),
            _ => return Err(wrong("true or false")),
        },
        Kind::Integer if value.as_i64().is_some() => value.clone(),
        Kind::Integer => return Err(wrong("a whole number")),
        Kind::Decimal if value.is_number() => value.clone(),
        Kind::Decimal => return Err(wrong("a number")),
        Kind::DateTime => match value.as_str().map(chrono::DateTime::parse_from_rfc3339) {
            Some(Ok(_)) => value.clone(),
            _ => return Err(wrong("an RFC 3339 date and time")),
        },
        Kind::String | Kind::Reference | Kind::Binary => match value {
            Value::String(text) => Value::from(stored(attribute, text)?),
            _ => return Err(wrong("a string")),
        },
        Kind::Complex => return structure(attribute, value),
    };
    Ok(Some(accepted))
}

/// A text, if it can be kept: PostgreSQL has no place for U+0000, in texts or in JSON, nor for a long one in an index.
fn stored<'t>(attribute: &Attribute, text: &'t str) -> Result<&'t str, Error> {
    if text.contains('\0') {
        return Err(Error::value(format!("{} has the character U+0000, which cannot be kept", attribute.name)));
    }
    match attribute.longest {
        Some(longest) if text.len() > longest => {
            Err(Error::value(format!("{} is longer than {longest} bytes", attribute.name)))
        }
        _ => Ok(text),
    }
}

fn structure(attribute: &Attribute, value: &Value) -> Result<Option<Value>, Error> {
    let object = match (value, attribute.value()) {
        (Value::Object(object), _) => object,
        // A bare string stands for `value`: managers and members are sent so (Entra, Okta). Empty clears.
        (Value::String(text), Some(of)) => {
            return Ok(if text.is_empty() { None } else { Some(json!({ "value": stored(of, text)? })) });
        }
        _ => return Err(Error::value(format!("{} must be a complex value", attribute.name))),
    };
    let mut structure = Object::new();
    for sub in attribute.sub_attributes.iter().filter(|sub| sub.mutability != Mutability::ReadOnly) {
        if let Some(value) = member(object, &sub.name)
            && let Some(value) = coerce(sub, value)?
        {
            structure.insert(sub.name.clone(), value);
        }
    }
    let empty = structure.is_empty() || structure.values().all(|value| value.as_str() == Some(""));
    Ok(if empty { None } else { Some(Value::Object(structure)) })
}

/// What the server knows of a resource beside its document.
#[derive(Debug, Clone)]
pub struct Meta<'a> {
    /// The resource's id.
    pub id: &'a str,
    /// Created, microseconds since the epoch.
    pub created: i64,
    /// Last changed, microseconds since the epoch.
    pub last_modified: i64,
    /// Counts the changes of the document.
    pub version: i64,
    /// The registered base URL.
    pub base_url: &'a str,
}

/// A document as a resource: `schemas` and `id` first, `meta` last.
pub fn render(resource: &ResourceType, mut document: Object, meta: &Meta<'_>) -> Object {
    let etag = etag::of(meta.version, &document);
    leave_strangers_out(resource, &mut document);
    let held = resource.extensions.iter().filter(|schema| document.contains_key(&schema.id));
    let schemas: Vec<&str> = std::iter::once(&resource.schema).chain(held).map(|schema| schema.id.as_str()).collect();
    let mut object = Object::new();
    object.insert("schemas".to_owned(), json!(schemas));
    object.insert("id".to_owned(), json!(meta.id));
    object.extend(document);
    object.insert(
        "meta".to_owned(),
        json!({
            "resourceType": resource.name,
            "created": timestamp(meta.created),
            "lastModified": timestamp(meta.last_modified),
            "location": format!("{}{}/{}", meta.base_url, resource.endpoint, meta.id),
            "version": etag,
        }),
    );
    object
}

/// What a tenant's schemas no longer know stays in the document, for they may know it again, and is not shown: nothing says any
/// more whether it may be.
fn leave_strangers_out(resource: &ResourceType, document: &mut Object) {
    document.retain(|name, value| {
        if !is_urn(name) {
            return true;
        }
        let (Some(schema), Value::Object(extension)) = (resource.extension(name), value) else { return false };
        extension.retain(|name, _| schema.attribute(name).is_some());
        !extension.is_empty()
    });
}

/// No attribute of a core schema has a name with a colon.
fn is_urn(name: &str) -> bool {
    name.contains(':')
}

fn timestamp(micros: i64) -> String {
    chrono::DateTime::from_timestamp_micros(micros)
        .unwrap_or_default()
        .to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

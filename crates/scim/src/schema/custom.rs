//! A tenant's own extensions, from JSON in the form of RFC 7643 §7.
//!
//! What a schema promises has to be kept, so it is checked whole before anything uses it: a URN of its own, names that
//! paths and filters can say, sub-attributes one level deep, no uniqueness nobody would enforce.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::{Attribute, Kind, Mutability, ResourceType, Returned, Schema};
use crate::json::member;
use crate::{Error, Object};

/// The most attributes of one extension, sub-attributes counted.
pub const MAX_ATTRIBUTES: usize = 100;
/// The longest URN.
pub const MAX_URN: usize = 200;
/// The longest name.
const MAX_NAME: usize = 100;
/// The longest description or suggested value, and the most suggestions.
const MAX_TEXT: usize = 1_000;

impl Schema {
    /// An extension from its JSON; everything wrong with it is a 400 `invalidValue` that names the attribute.
    pub fn extension(json: &Value) -> Result<Self, Error> {
        let object = json.as_object().ok_or_else(|| Error::value("a schema must be a JSON object"))?;
        let id = text(object, "id")?.ok_or_else(|| Error::value("a schema needs an id"))?;
        check_urn(&id)?;
        let name = text(object, "name")?.unwrap_or_else(|| id.rsplit(':').next().unwrap_or_default().to_owned());
        let description = text(object, "description")?.unwrap_or_default();
        let attributes = attributes(member(object, "attributes"), None)?;
        let count = attributes.iter().map(|attribute| 1 + attribute.sub_attributes.len()).sum::<usize>();
        match count {
            0 => Err(Error::value("a schema needs attributes")),
            1..=MAX_ATTRIBUTES => Ok(Self { id, name, description, attributes }),
            _ => Err(Error::value(format!("a schema has at most {MAX_ATTRIBUTES} attributes"))),
        }
    }
}

impl ResourceType {
    /// This type with more extensions. A URN that is taken, or that another one begins with, and a name the core schema
    /// has are refused: a path would have two meanings.
    pub fn extended(&self, extensions: impl IntoIterator<Item = Arc<Schema>>) -> Result<Self, Error> {
        let mut extended = self.clone();
        for new in extensions {
            if extended.schemas().any(|held| within(&held.id, &new.id) || within(&new.id, &held.id)) {
                return Err(Error::value(format!("the URN {} clashes with another schema", new.id)));
            }
            if let Some(taken) = new.attributes.iter().find(|attribute| self.attribute(&attribute.name).is_some()) {
                return Err(Error::value(format!("{} is an attribute of {}", taken.name, self.name)));
            }
            extended.extensions.push(new);
        }
        Ok(extended)
    }
}

/// Whether one URN is another, or an attribute path that begins with it.
fn within(urn: &str, other: &str) -> bool {
    let head = other.get(..urn.len()).is_some_and(|head| head.eq_ignore_ascii_case(urn));
    head && matches!(other.as_bytes().get(urn.len()), None | Some(b':' | b'.'))
}

fn check_urn(urn: &str) -> Result<(), Error> {
    let fits = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
    };
    let parts: Vec<&str> = urn.split(':').collect();
    let ok = urn.len() <= MAX_URN
        && parts.len() >= 3
        && parts[0].eq_ignore_ascii_case("urn")
        && parts.iter().all(|part| fits(part));
    if !ok {
        return Err(Error::value(format!("the id must be a URN of at most {MAX_URN} characters, urn:name:parts")));
    }
    // The RFCs' own schemas and messages are not a tenant's to define.
    let reserved = ["urn:ietf:params:scim:schemas:core", "urn:ietf:params:scim:api", "urn:ietf:params:scim:event"];
    if reserved.iter().any(|reserved| within(reserved, urn)) {
        return Err(Error::value("this URN belongs to the SCIM standard"));
    }
    Ok(())
}

fn text(object: &Object, name: &str) -> Result<Option<String>, Error> {
    match member(object, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() <= MAX_TEXT => Ok(Some(text.clone())),
        Some(_) => Err(Error::value(format!("{name} must be a string of at most {MAX_TEXT} bytes"))),
    }
}

fn flag(object: &Object, name: &str) -> Result<bool, Error> {
    match member(object, name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(Error::value(format!("{name} must be true or false"))),
    }
}

fn words(object: &Object, name: &str) -> Result<Vec<String>, Error> {
    let wrong = || Error::value(format!("{name} must be a list of short strings"));
    let items = match member(object, name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() <= MAX_TEXT => items,
        Some(_) => return Err(wrong()),
    };
    items
        .iter()
        .map(|item| item.as_str().filter(|t| t.len() <= MAX_TEXT).map(str::to_owned).ok_or_else(wrong))
        .collect()
}

/// The attributes of a schema, or with a parent the sub-attributes of a complex attribute.
fn attributes(json: Option<&Value>, parent: Option<&str>) -> Result<Vec<Attribute>, Error> {
    let items = match json {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() <= MAX_ATTRIBUTES => items,
        Some(_) => return Err(Error::value(format!("attributes must be a list of at most {MAX_ATTRIBUTES}"))),
    };
    let mut seen = HashSet::new();
    let mut found = Vec::with_capacity(items.len());
    for item in items {
        let attribute = attribute(item, parent)?;
        if !seen.insert(attribute.name.to_ascii_lowercase()) {
            return Err(Error::value(format!("{} is defined twice", attribute.name)));
        }
        found.push(attribute);
    }
    Ok(found)
}

fn attribute(json: &Value, parent: Option<&str>) -> Result<Attribute, Error> {
    let object = json.as_object().ok_or_else(|| Error::value("an attribute must be a JSON object"))?;
    let name = text(object, "name")?.filter(|name| sayable(name, parent.is_some()));
    let name = name.ok_or_else(|| Error::value("an attribute's name is a letter, then letters, digits, - and _"))?;
    let wrong = |what: &str| Error::value(format!("{name}: {what}"));
    let kind = match text(object, "type")?.as_deref() {
        None | Some("string") => Kind::String,
        Some("boolean") => Kind::Boolean,
        Some("decimal") => Kind::Decimal,
        Some("integer") => Kind::Integer,
        Some("dateTime") => Kind::DateTime,
        Some("binary") => Kind::Binary,
        Some("reference") => Kind::Reference,
        Some("complex") => Kind::Complex,
        Some(_) => return Err(wrong("this is no type of RFC 7643 §2.3")),
    };
    let mutability = match text(object, "mutability")?.as_deref() {
        None | Some("readWrite") => Mutability::ReadWrite,
        Some("readOnly") => Mutability::ReadOnly,
        Some("immutable") => Mutability::Immutable,
        Some("writeOnly") => Mutability::WriteOnly,
        Some(_) => return Err(wrong("mutability is readWrite, readOnly, immutable or writeOnly")),
    };
    let returned = match text(object, "returned")?.as_deref() {
        None if mutability == Mutability::WriteOnly => Returned::Never,
        None | Some("default") => Returned::Default,
        Some("always") => Returned::Always,
        Some("never") => Returned::Never,
        Some("request") => Returned::Request,
        Some(_) => return Err(wrong("returned is default, always, never or request")),
    };
    if mutability == Mutability::WriteOnly && returned != Returned::Never {
        return Err(wrong("what is writeOnly is returned never (RFC 7643 §7)"));
    }
    if parent.is_some() && !matches!(returned, Returned::Default | Returned::Always) {
        return Err(wrong("a sub-attribute is returned with its attribute"));
    }
    if text(object, "uniqueness")?.is_some_and(|uniqueness| uniqueness != "none") {
        return Err(wrong("uniqueness of an extension's attribute is not enforced, so it must be none"));
    }
    let sub_attributes = match (kind, parent) {
        (Kind::Complex, None) => attributes(member(object, "subAttributes"), Some(&name))?,
        (Kind::Complex, Some(parent)) => return Err(wrong(&format!("{parent} may not hold a complex attribute"))),
        _ => Vec::new(),
    };
    if kind == Kind::Complex && sub_attributes.is_empty() {
        return Err(wrong("a complex attribute needs subAttributes"));
    }
    Ok(Attribute {
        description: text(object, "description")?,
        kind,
        multi_valued: flag(object, "multiValued")?,
        required: flag(object, "required")?,
        case_exact: flag(object, "caseExact")? || matches!(kind, Kind::Reference | Kind::Binary | Kind::DateTime),
        mutability,
        returned,
        uniqueness: "none",
        longest: None,
        canonical_values: words(object, "canonicalValues")?,
        reference_types: words(object, "referenceTypes")?,
        sub_attributes,
        name,
    })
}

/// RFC 7644 Figure 1: a letter, then letters, digits, `-` and `_`; `$ref` only inside a complex attribute.
fn sayable(name: &str, inside: bool) -> bool {
    let name = name.strip_prefix('$').filter(|_| inside).unwrap_or(name);
    name.len() <= MAX_NAME
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

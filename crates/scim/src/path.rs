//! Attribute names as they stand in filters, paths and query parameters: with or without URN, in any letter case.

use serde_json::Value;

use crate::Object;
use crate::json::member;
use crate::schema::{Attribute, ResourceType, Schema};

/// A resolved attribute: where it is, and which sub-attribute is meant. Prints its canonical name, such as
/// `name.givenName` or `urn:…:enterprise:2.0:User:department`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttributePath<'s> {
    /// The extension it belongs to; none for core and common attributes.
    pub extension: Option<&'s Schema>,
    /// The attribute; none where a whole extension is meant.
    pub attribute: Option<&'s Attribute>,
    /// The sub-attribute.
    pub sub: Option<&'s Attribute>,
}

impl<'s> AttributePath<'s> {
    /// Resolves `userName`, `name.givenName`, `URN:attr`, `URN:attr.sub`, `URN`, and Entra's `URN.attr`.
    pub fn resolve(resource: &'s ResourceType, text: &str) -> Option<Self> {
        for schema in resource.extensions.iter().map(AsRef::as_ref) {
            match strip_prefix(text, &schema.id) {
                Some("") => return Some(Self { extension: Some(schema), attribute: None, sub: None }),
                Some(rest) => {
                    let (name, sub) = split(&rest[1..]);
                    let attribute = schema.attribute(name)?;
                    return Self::with_sub(Some(schema), attribute, sub);
                }
                None => {}
            }
        }
        let text = match strip_prefix(text, &resource.schema.id) {
            Some(rest) => rest.strip_prefix([':', '.'])?,
            None => text,
        };
        let (name, sub) = split(text);
        if let Some(attribute) = resource.attribute(name) {
            return Self::with_sub(None, attribute, sub);
        }
        // Unqualified extension attributes, such as Entra's `manager`.
        let mut extensions = resource.extensions.iter().map(AsRef::as_ref);
        let (schema, attribute) =
            extensions.find_map(|schema: &Schema| schema.attribute(name).map(|attribute| (schema, attribute)))?;
        Self::with_sub(Some(schema), attribute, sub)
    }

    fn with_sub(extension: Option<&'s Schema>, attribute: &'s Attribute, sub: Option<&str>) -> Option<Self> {
        let sub = match sub {
            Some(name) => Some(attribute.sub(name)?),
            None => None,
        };
        Some(Self { extension, attribute: Some(attribute), sub })
    }

    /// The definition that says how values at this path compare: a bare complex attribute means its `value`. None for a
    /// whole extension.
    pub fn compared(&self) -> Option<&'s Attribute> {
        self.sub.or_else(|| self.attribute.map(Attribute::compared))
    }

    /// The value of the attribute (not of the sub-attribute) in a document.
    pub fn value<'a>(&self, document: &'a Object) -> Option<&'a Value> {
        let Some(schema) = self.extension else { return member(document, &self.attribute?.name) };
        let extension = member(document, &schema.id)?;
        match self.attribute {
            Some(attribute) => member(extension.as_object()?, &attribute.name),
            None => Some(extension),
        }
    }
}

impl std::fmt::Display for AttributePath<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(schema) = self.extension {
            formatter.write_str(&schema.id)?;
            if self.attribute.is_some() {
                formatter.write_str(":")?;
            }
        }
        if let Some(attribute) = self.attribute {
            formatter.write_str(&attribute.name)?;
        }
        match self.sub {
            Some(sub) => write!(formatter, ".{}", sub.name),
            None => Ok(()),
        }
    }
}

fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once('.') {
        Some((name, sub)) => (name, Some(sub)),
        None => (text, None),
    }
}

/// What follows a URN: nothing, or `:` or `.` and more.
fn strip_prefix<'a>(text: &'a str, urn: &str) -> Option<&'a str> {
    let head = text.get(..urn.len())?;
    let rest = &text[urn.len()..];
    let whole = rest.is_empty() || rest.starts_with([':', '.']);
    (head.eq_ignore_ascii_case(urn) && whole).then_some(rest)
}

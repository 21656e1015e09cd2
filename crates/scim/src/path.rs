//! Attribute names as they stand in filters, paths and query parameters: with or without URN, in any letter case.

use crate::Object;
use crate::json::member;
use crate::schema::{Attribute, ResourceType, Schema};
use serde_json::Value;

/// A resolved attribute: where it is, and which sub-attribute is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AttributePath {
    /// The extension it belongs to; none for core and common attributes.
    pub extension: Option<&'static Schema>,
    /// The attribute; none where a whole extension is meant.
    pub attribute: Option<&'static Attribute>,
    /// The sub-attribute.
    pub sub: Option<&'static Attribute>,
}

impl AttributePath {
    /// Resolves `userName`, `name.givenName`, `URN:attr`, `URN:attr.sub`, `URN`, and Entra's `URN.attr`.
    pub fn resolve(resource: &ResourceType, text: &str) -> Option<Self> {
        for schema in resource.extensions.iter().copied() {
            if let Some(rest) = strip_prefix(text, schema.id) {
                if rest.is_empty() {
                    return Some(Self { extension: Some(schema), attribute: None, sub: None });
                }
                let rest = rest.strip_prefix([':', '.'])?;
                let (name, sub) = split(rest);
                let attribute = schema.attribute(name)?;
                return Self::with_sub(Some(schema), attribute, sub);
            }
        }
        let text = match strip_prefix(text, resource.schema.id) {
            Some(rest) => rest.strip_prefix([':', '.'])?,
            None => text,
        };
        let (name, sub) = split(text);
        if let Some(attribute) = resource.attribute(name) {
            return Self::with_sub(None, attribute, sub);
        }
        // Unqualified extension attributes, such as Entra's `manager`.
        let (schema, attribute) = resource
            .extensions
            .iter()
            .find_map(|schema| schema.attribute(name).map(|attribute| (*schema, attribute)))?;
        Self::with_sub(Some(schema), attribute, sub)
    }

    fn with_sub(extension: Option<&'static Schema>, attribute: &'static Attribute, sub: Option<&str>) -> Option<Self> {
        let sub = match sub {
            Some(name) => Some(attribute.sub(name)?),
            None => None,
        };
        Some(Self { extension, attribute: Some(attribute), sub })
    }

    /// The value of the attribute (not of the sub-attribute) in a document.
    pub fn value<'a>(&self, document: &'a Object) -> Option<&'a Value> {
        let object = match self.extension {
            Some(schema) => member(document, schema.id)?.as_object()?,
            None => document,
        };
        match self.attribute {
            Some(attribute) => member(object, attribute.name),
            None => self.extension.and_then(|schema| member(document, schema.id)),
        }
    }
}

impl std::fmt::Display for AttributePath {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(schema) = self.extension {
            formatter.write_str(schema.id)?;
            if self.attribute.is_some() {
                formatter.write_str(":")?;
            }
        }
        if let Some(attribute) = self.attribute {
            formatter.write_str(attribute.name)?;
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

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    let rest = &text[prefix.len()..];
    let whole = rest.is_empty() || rest.starts_with([':', '.']);
    (head.eq_ignore_ascii_case(prefix) && whole).then_some(rest)
}

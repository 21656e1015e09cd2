//! `attributes` and `excludedAttributes` (RFC 7644 §3.9): names in any letter case, with sub-attributes and URNs.

use serde_json::Value;

use crate::path::AttributePath;
use crate::schema::{ResourceType, Returned};
use crate::{Error, Object};

/// What of a resource an answer shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Projection {
    only: Option<Vec<AttributePath>>,
    without: Vec<AttributePath>,
}

impl Projection {
    /// Reads the two query parameters; sent together they are a 400. Names the type lacks ask for nothing.
    pub fn parse(resource: &ResourceType, attributes: Option<&str>, excluded: Option<&str>) -> Result<Self, Error> {
        let attributes = attributes.filter(|text| !text.trim().is_empty());
        let excluded = excluded.filter(|text| !text.trim().is_empty());
        if attributes.is_some() && excluded.is_some() {
            return Err(Error::value("attributes and excludedAttributes exclude each other"));
        }
        let paths = |text: &str| -> Vec<AttributePath> {
            text.split(',').filter_map(|name| AttributePath::resolve(resource, name.trim())).collect()
        };
        Ok(Self { only: attributes.map(paths), without: excluded.map(paths).unwrap_or_default() })
    }

    /// Applies it to a rendered resource.
    #[must_use]
    pub fn apply(&self, resource: &ResourceType, mut object: Object) -> Object {
        if let Some(only) = &self.only {
            object = keep(resource, &object, only);
        }
        for path in &self.without {
            let always = path.attribute.is_some_and(|attribute| attribute.returned == Returned::Always);
            if !always {
                remove(&mut object, path);
            }
            // An extension of which nothing is left is not there.
            if let Some(schema) = path.extension
                && object.get(schema.id).and_then(Value::as_object).is_some_and(Object::is_empty)
            {
                object.shift_remove(schema.id);
            }
        }
        object
    }
}

fn keep(resource: &ResourceType, object: &Object, only: &[AttributePath]) -> Object {
    let mut kept = Object::new();
    for (name, value) in object {
        let always = resource.attribute(name).is_some_and(|attribute| attribute.returned == Returned::Always);
        if always {
            kept.insert(name.clone(), value.clone());
            continue;
        }
        let asked: Vec<&AttributePath> = only.iter().filter(|path| top(path) == name).collect();
        if asked.is_empty() {
            continue;
        }
        let within_extension = resource.extension(name).is_some();
        let value = if within_extension { keep_extension(value, &asked) } else { keep_subs(value, &asked) };
        if let Some(value) = value {
            kept.insert(name.clone(), value);
        }
    }
    kept
}

fn top(path: &AttributePath) -> &'static str {
    match (path.extension, path.attribute) {
        (Some(schema), _) => schema.id,
        (None, Some(attribute)) => attribute.name,
        (None, None) => "",
    }
}

fn keep_extension(value: &Value, asked: &[&AttributePath]) -> Option<Value> {
    if asked.iter().any(|path| path.attribute.is_none()) {
        return Some(value.clone());
    }
    let mut kept = Object::new();
    for (name, value) in value.as_object()? {
        let inner: Vec<&AttributePath> = asked
            .iter()
            .copied()
            .filter(|path| path.attribute.is_some_and(|attribute| attribute.name == name))
            .collect();
        if let Some(value) = if inner.is_empty() { None } else { keep_subs(value, &inner) } {
            kept.insert(name.clone(), value);
        }
    }
    if kept.is_empty() { None } else { Some(Value::Object(kept)) }
}

fn keep_subs(value: &Value, asked: &[&AttributePath]) -> Option<Value> {
    if asked.iter().any(|path| path.sub.is_none()) {
        return Some(value.clone());
    }
    let reduce = |value: &Value| -> Option<Value> {
        let wanted = |name: &str| asked.iter().any(|path| path.sub.is_some_and(|sub| sub.name == name));
        let kept: Object = value
            .as_object()?
            .iter()
            .filter(|(name, _)| wanted(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if kept.is_empty() { None } else { Some(Value::Object(kept)) }
    };
    match value {
        Value::Array(items) => {
            let kept: Vec<Value> = items.iter().filter_map(reduce).collect();
            if kept.is_empty() { None } else { Some(Value::Array(kept)) }
        }
        other => reduce(other),
    }
}

fn remove(object: &mut Object, path: &AttributePath) {
    let holder = match path.extension {
        Some(schema) => {
            let Some(attribute) = path.attribute else {
                object.shift_remove(schema.id);
                return;
            };
            let Some(Value::Object(extension)) = object.get_mut(schema.id) else { return };
            (extension, attribute)
        }
        None => match path.attribute {
            Some(attribute) => (object, attribute),
            None => return,
        },
    };
    let (object, attribute) = holder;
    let Some(sub) = path.sub else {
        object.shift_remove(attribute.name);
        return;
    };
    let emptied = match object.get_mut(attribute.name) {
        Some(Value::Object(structure)) => {
            structure.shift_remove(sub.name);
            structure.is_empty()
        }
        Some(Value::Array(items)) => {
            items.retain_mut(|item| {
                let Some(item) = item.as_object_mut() else { return true };
                item.shift_remove(sub.name);
                !item.is_empty()
            });
            items.is_empty()
        }
        _ => false,
    };
    if emptied {
        object.shift_remove(attribute.name);
    }
}

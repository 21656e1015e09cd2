//! `attributes` and `excludedAttributes` (RFC 7644 §3.9): names in any letter case, with sub-attributes and URNs.

use serde_json::Value;

use crate::path::AttributePath;
use crate::schema::{Attribute, ResourceType, Returned};
use crate::{Error, Object};

/// What of a resource an answer shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Projection<'s> {
    only: Option<Vec<AttributePath<'s>>>,
    without: Vec<AttributePath<'s>>,
}

impl<'s> Projection<'s> {
    /// Reads the two query parameters; sent together they are a 400. Names the type lacks ask for nothing.
    pub fn parse(resource: &'s ResourceType, attributes: Option<&str>, excluded: Option<&str>) -> Result<Self, Error> {
        let names = |text: Option<&'_ str>| -> Vec<String> {
            text.into_iter().flat_map(|text| text.split(',')).map(str::to_owned).collect()
        };
        Self::of_names(resource, &names(attributes), &names(excluded))
    }

    /// The same from lists of names, as a SearchRequest has them. Blank names do not count; a list of none is absent.
    pub fn of_names(resource: &'s ResourceType, attributes: &[String], excluded: &[String]) -> Result<Self, Error> {
        let said = |names: &[String]| names.iter().any(|name| !name.trim().is_empty());
        if said(attributes) && said(excluded) {
            return Err(Error::value("attributes and excludedAttributes exclude each other"));
        }
        let paths = |names: &[String]| -> Vec<AttributePath<'s>> {
            let mut paths: Vec<AttributePath<'s>> = Vec::new();
            for path in names.iter().filter_map(|name| AttributePath::resolve(resource, name.trim())) {
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
            paths
        };
        Ok(Self { only: said(attributes).then(|| paths(attributes)), without: paths(excluded) })
    }

    /// Whether an answer shows the attribute or sub-attribute of this name at all: with `excludedAttributes=members` a
    /// group's members need not even be read.
    pub fn shows(&self, resource: &ResourceType, name: &str) -> bool {
        let Some(wanted) = AttributePath::resolve(resource, name) else { return false };
        let of_it = |path: &AttributePath<'_>| {
            let named = |path: &AttributePath<'_>| path.attribute.map(|attribute| attribute.name.clone());
            path.extension.map(|schema| &schema.id) == wanted.extension.map(|schema| &schema.id)
                && (path.attribute.is_none() || named(path) == named(&wanted))
        };
        let returned = wanted.attribute.map_or(Returned::Default, |attribute| attribute.returned);
        let whole_or_same = |path: &AttributePath<'_>| path.sub.is_none() || path.sub == wanted.sub;
        match (returned, &self.only) {
            (Returned::Always, _) => true,
            (Returned::Never, _) | (Returned::Request, None) => false,
            (_, Some(only)) => only.iter().any(|path| of_it(path) && (wanted.sub.is_none() || whole_or_same(path))),
            (Returned::Default, None) => !self.without.iter().any(|path| of_it(path) && whole_or_same(path)),
        }
    }

    /// Applies it to a rendered resource.
    #[must_use]
    pub fn apply(&self, resource: &ResourceType, mut object: Object) -> Object {
        match &self.only {
            Some(only) => object = keep(resource, &object, only),
            None => drop_unasked(resource, &mut object),
        }
        for path in &self.without {
            remove(&mut object, path);
        }
        follow_schemas(resource, &mut object);
        object
    }
}

/// An extension of which nothing is shown is not there, and `schemas` names only what is (RFC 7643 §3).
fn follow_schemas(resource: &ResourceType, object: &mut Object) {
    for schema in &resource.extensions {
        if object.get(&schema.id).and_then(Value::as_object).is_some_and(Object::is_empty) {
            object.shift_remove(&schema.id);
        }
        if !object.contains_key(&schema.id)
            && let Some(Value::Array(urns)) = object.get_mut("schemas")
        {
            urns.retain(|urn| urn.as_str() != Some(&schema.id));
        }
    }
}

fn keep(resource: &ResourceType, object: &Object, only: &[AttributePath<'_>]) -> Object {
    let mut kept = Object::new();
    for (name, value) in object {
        if let Some(schema) = resource.extension(name) {
            let asked: Vec<_> = only.iter().filter(|path| path.extension.is_some_and(|s| s.id == schema.id)).collect();
            let whole = asked.iter().any(|path| path.attribute.is_none());
            let inner: Object = value
                .as_object()
                .into_iter()
                .flatten()
                .filter_map(|(name, value)| {
                    let shown = keep_attribute(schema.attribute(name), name, value, &asked);
                    let unasked = whole && !schema.attribute(name).is_some_and(on_request);
                    Some((name.clone(), shown.or_else(|| unasked.then(|| value.clone()))?))
                })
                .collect();
            if !inner.is_empty() {
                kept.insert(name.clone(), Value::Object(inner));
            }
            continue;
        }
        let asked: Vec<_> = only.iter().filter(|path| path.extension.is_none()).collect();
        if let Some(value) = keep_attribute(resource.attribute(name), name, value, &asked) {
            kept.insert(name.clone(), value);
        }
    }
    kept
}

fn on_request(attribute: &Attribute) -> bool {
    attribute.returned == Returned::Request
}

fn keep_attribute(
    attribute: Option<&Attribute>,
    name: &str,
    value: &Value,
    asked: &[&AttributePath<'_>],
) -> Option<Value> {
    if attribute.is_some_and(|attribute| attribute.returned == Returned::Always) {
        return Some(value.clone());
    }
    let named: Vec<_> =
        asked.iter().copied().filter(|path| path.attribute.is_some_and(|attribute| attribute.name == name)).collect();
    if named.is_empty() { None } else { keep_subs(value, &named) }
}

fn keep_subs(value: &Value, asked: &[&AttributePath<'_>]) -> Option<Value> {
    if asked.iter().any(|path| path.sub.is_none()) {
        return Some(value.clone());
    }
    let always = |name: &str| {
        let attribute = asked.first().and_then(|path| path.attribute);
        attribute.and_then(|attribute| attribute.sub(name)).is_some_and(|sub| sub.returned == Returned::Always)
    };
    let wanted = |name: &str| always(name) || asked.iter().any(|path| path.sub.is_some_and(|sub| sub.name == name));
    let reduce = |value: &Value| -> Option<Value> {
        let structure = value.as_object()?;
        let kept: Object = structure
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

/// Without `attributes`, what is returned on request is left out.
fn drop_unasked(resource: &ResourceType, object: &mut Object) {
    object.retain(|name, _| !resource.attribute(name).is_some_and(on_request));
    for schema in &resource.extensions {
        if let Some(Value::Object(extension)) = object.get_mut(&schema.id) {
            extension.retain(|name, _| !schema.attribute(name).is_some_and(on_request));
        }
    }
}

fn remove(object: &mut Object, path: &AttributePath<'_>) {
    let always = |attribute: &Attribute| attribute.returned == Returned::Always;
    let Some(schema) = path.extension else {
        if let Some(attribute) = path.attribute {
            remove_attribute(object, attribute, path.sub);
        }
        return;
    };
    let Some(Value::Object(extension)) = object.get_mut(&schema.id) else { return };
    match path.attribute {
        Some(attribute) => remove_attribute(extension, attribute, path.sub),
        None => extension.retain(|name, _| schema.attribute(name).is_some_and(always)),
    }
}

fn remove_attribute(object: &mut Object, attribute: &Attribute, sub: Option<&Attribute>) {
    if attribute.returned == Returned::Always {
        return;
    }
    let Some(sub) = sub else {
        object.shift_remove(&attribute.name);
        return;
    };
    if sub.returned == Returned::Always {
        return;
    }
    let emptied = match object.get_mut(&attribute.name) {
        Some(Value::Object(structure)) => {
            structure.shift_remove(&sub.name);
            structure.is_empty()
        }
        Some(Value::Array(items)) => {
            items.retain_mut(|item| {
                let Some(item) = item.as_object_mut() else { return true };
                item.shift_remove(&sub.name);
                !item.is_empty()
            });
            items.is_empty()
        }
        _ => false,
    };
    if emptied {
        object.shift_remove(&attribute.name);
    }
}

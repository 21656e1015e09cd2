//! Further attributes of a user that a tenant keeps in its realm's profile, both ways: what of a document goes into which
//! attribute of the realm, and what of those stands in a document. Native fields are [`crate::native`]'s, and come back from
//! nowhere else.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use serde_json::{Value, json};

use crate::Object;
use crate::json::member;
use crate::native;
use crate::path::AttributePath;
use crate::schema::{Attribute, Kind, ResourceType, USER, with_extensions};

/// Mappings kept parsed.
const KEPT: usize = 1_000;

/// Which attributes are kept in the realm's profile, and under which name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping(Vec<Mapped>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Mapped {
    attribute: String,
    /// As an operation names what is mapped: a list as a whole.
    path: String,
    extension: Option<String>,
    name: String,
    sub: Option<String>,
    kind: Kind,
    /// What an element of a list is beside the value; none where there is no list.
    element: Option<Object>,
}

impl Mapping {
    /// As a tenant's options have it: a JSON object, SCIM path to realm attribute. What is not an attribute of a user is left
    /// out.
    pub fn read(projection: Option<&str>, user: &ResourceType) -> Self {
        let wanted: BTreeMap<String, String> =
            projection.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let mapped =
            |(path, attribute): (String, String)| Mapped::new(&AttributePath::resolve(user, &path)?, attribute);
        Self(wanted.into_iter().filter_map(mapped).collect())
    }

    /// The same with the tenant's own extensions, as its options have them; parsed once for as long as they stay so.
    pub fn of(projection: Option<&str>, extensions: Option<&str>) -> Arc<Self> {
        type Held = HashMap<(String, Option<String>), Arc<Mapping>>;
        static NONE: LazyLock<Arc<Mapping>> = LazyLock::new(Arc::default);
        static HELD: LazyLock<RwLock<Held>> = LazyLock::new(RwLock::default);
        let Some(projection) = projection else { return NONE.clone() };
        let key = (projection.to_owned(), extensions.map(str::to_owned));
        if let Some(held) = HELD.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return held.clone();
        }
        let own = extensions.and_then(with_extensions).map(|(user, _)| user);
        let mapping = Arc::new(Self::read(Some(projection), own.as_ref().unwrap_or(&USER)));
        let mut held = HELD.write().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= KEPT {
            held.clear();
        }
        held.insert(key, mapping.clone());
        mapping
    }

    /// What of a document goes into which attribute of the realm; of several values the primary, else the first.
    pub fn to_realm(&self, document: &Object) -> BTreeMap<String, Option<String>> {
        self.0.iter().map(|mapped| (mapped.attribute.clone(), mapped.read(document))).collect()
    }

    /// What of the realm's attributes stands in a document, and where.
    pub fn to_document(&self, attributes: &BTreeMap<String, String>) -> Vec<(String, Value)> {
        let mut found: Vec<(String, Value)> = Vec::new();
        for mapped in self.0.iter().filter(|mapped| !native::PATHS.contains(&mapped.path.as_str())) {
            let Some(value) = attributes.get(&mapped.attribute).and_then(|text| mapped.typed(text)) else { continue };
            match (&mapped.element, &mapped.sub) {
                (None, _) => found.push((mapped.path.clone(), value)),
                (Some(_), None) => found.push((mapped.path.clone(), json!([value]))),
                // Several parts of one element.
                (Some(element), Some(sub)) => match found.iter_mut().find(|(path, _)| *path == mapped.path) {
                    Some((_, list)) => list[0][sub] = value,
                    None => {
                        let mut element = element.clone();
                        element.insert(sub.clone(), value);
                        found.push((mapped.path.clone(), json!([element])));
                    }
                },
            }
        }
        found
    }

    /// Where they may stand in a document, as operations name them.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        let ours = |(place, mapped): &(usize, &Mapped)| {
            let first = self.0[..*place].iter().all(|other| other.path != mapped.path);
            first && !native::PATHS.contains(&mapped.path.as_str())
        };
        self.0.iter().enumerate().filter(ours).map(|(_, mapped)| mapped.path.as_str())
    }
}

impl Mapped {
    fn new(path: &AttributePath<'_>, attribute: String) -> Option<Self> {
        let (of, compared) = (path.attribute?, path.compared()?);
        if compared.kind == Kind::Complex {
            return None;
        }
        let sub = (of.kind == Kind::Complex).then(|| compared.name.clone());
        let extension = path.extension.map(|schema| schema.id.clone());
        let prefix = extension.as_ref().map(|urn| format!("{urn}:")).unwrap_or_default();
        let path = match &sub {
            Some(sub) if !of.multi_valued => format!("{prefix}{}.{sub}", of.name),
            _ => format!("{prefix}{}", of.name),
        };
        let element = of.multi_valued.then(|| beside(of));
        Some(Self { attribute, path, extension, name: of.name.clone(), sub, kind: compared.kind, element })
    }

    fn read(&self, document: &Object) -> Option<String> {
        let holder = match &self.extension {
            Some(urn) => member(document, urn)?.as_object()?,
            None => document,
        };
        let one = match member(holder, &self.name)? {
            Value::Array(items) => items.iter().find(|item| item["primary"] == true).or_else(|| items.first())?,
            other => other,
        };
        let value = match &self.sub {
            Some(sub) => one.get(sub)?,
            None => one,
        };
        match value {
            Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
            _ => None,
        }
    }

    /// A realm keeps text alone; what is not of the attribute's type is nothing.
    fn typed(&self, text: &str) -> Option<Value> {
        match self.kind {
            Kind::Boolean => text.parse().ok().map(Value::Bool),
            Kind::Integer => text.parse::<i64>().ok().map(Value::from),
            Kind::Decimal => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from),
            Kind::String | Kind::DateTime | Kind::Binary | Kind::Reference | Kind::Complex => Some(json!(text)),
        }
    }
}

/// A realm knows no types and no primary: of people at work, it is this one.
fn beside(list: &Attribute) -> Object {
    let mut element = Object::new();
    if list.sub("type").is_some_and(|sub| sub.canonical_values.iter().any(|word| word == "work")) {
        element.insert("type".to_owned(), json!("work"));
    }
    if list.sub("primary").is_some() {
        element.insert("primary".to_owned(), json!(true));
    }
    element
}

/// Puts a value into a document where an operation's path names it: `name.givenName`, or `urn:…:User:department`.
pub fn place(document: &mut Object, path: &str, value: Value) {
    let (urn, name) = split(path);
    let Some(holder) = (match urn {
        Some(urn) => document.entry(urn.to_owned()).or_insert_with(|| json!({})).as_object_mut(),
        None => Some(document),
    }) else {
        return;
    };
    match name.split_once('.') {
        Some((parent, child)) => {
            let complex = holder.entry(parent.to_owned()).or_insert_with(|| json!({}));
            if let Some(complex) = complex.as_object_mut() {
                complex.insert(child.to_owned(), value);
            }
        }
        None => drop(holder.insert(name.to_owned(), value)),
    }
}

/// What a document holds where an operation's path names it.
pub fn held<'d>(document: &'d Object, path: &str) -> Option<&'d Value> {
    let (urn, name) = split(path);
    let holder = match urn {
        Some(urn) => member(document, urn)?.as_object()?,
        None => document,
    };
    match name.split_once('.') {
        Some((parent, child)) => member(holder, parent)?.get(child),
        None => member(holder, name),
    }
}

/// The extension a path belongs to, and the rest of it.
pub fn split(path: &str) -> (Option<&str>, &str) {
    path.rsplit_once(':').map_or((None, path), |(urn, name)| (Some(urn), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn mapping() -> Mapping {
        let wanted = json!({
            "title": "jobTitle", "phoneNumbers": "phone", "nickName": "nick", "name.middleName": "middle",
            "addresses.locality": "city", "addresses.country": "country",
            format!("{ENTERPRISE}:department"): "department", "manager": "boss", "name": "whole", "none": "none",
        });
        Mapping::read(Some(&wanted.to_string()), &USER)
    }

    #[test]
    fn a_document_goes_into_the_realm_as_the_tenant_wants() {
        let document = json!({
            "title": "Countess", "name": { "middleName": "A" },
            "phoneNumbers": [{ "value": "1", "type": "home" }, { "value": "2", "primary": true }],
            "addresses": [{ "locality": "London" }],
            ENTERPRISE: { "department": "Engines", "manager": { "value": "7" } },
        });
        let projected = mapping().to_realm(document.as_object().unwrap());
        let shown: Vec<_> = projected.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        let expected = [
            ("boss", Some("7")),
            ("city", Some("London")),
            ("country", None),
            ("department", Some("Engines")),
            ("jobTitle", Some("Countess")),
            ("middle", Some("A")),
            ("nick", None),
            ("phone", Some("2")),
        ];
        assert_eq!(shown, expected);
        assert_eq!(*Mapping::of(None, None), Mapping::default());
    }

    #[test]
    fn the_realms_attributes_stand_in_a_document_where_they_came_from() {
        let attributes = [("phone", "2"), ("department", "Engines"), ("city", "London"), ("country", "UK"), ("x", "y")];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let mapping = mapping();
        let mut document = Object::new();
        for (path, value) in mapping.to_document(&attributes) {
            assert!(mapping.paths().any(|known| known == path), "{path}");
            place(&mut document, &path, value.clone());
            assert_eq!(held(&document, &path), Some(&value));
        }
        let expected = json!({
            "addresses": [{ "country": "UK", "locality": "London", "primary": true, "type": "work" }],
            "phoneNumbers": [{ "value": "2", "primary": true, "type": "work" }],
            ENTERPRISE: { "department": "Engines" },
        });
        assert_eq!(Value::Object(document.clone()), expected);
        let back = mapping.to_realm(&document);
        assert_eq!(back.into_iter().filter_map(|(name, value)| Some((name, value?))).count(), 4, "and back again");
        assert_eq!(mapping.paths().count(), 7, "one of two parts of an address");
    }

    #[test]
    fn what_is_no_number_is_nothing() {
        let schema = json!([{ "resource": "User", "schema": { "id": "urn:acme:1.0:User", "name": "Acme", "attributes": [
            { "name": "floor", "type": "integer" }, { "name": "remote", "type": "boolean" },
            { "name": "tags", "type": "string", "multiValued": true }] } }]);
        let wanted = json!({ "urn:acme:1.0:User:floor": "floor", "urn:acme:1.0:User:remote": "remote",
            "urn:acme:1.0:User:tags": "tags" });
        let mapping = Mapping::of(Some(&wanted.to_string()), Some(&schema.to_string()));
        let of = |floor: &str| {
            let attributes = [("floor", floor), ("remote", "true"), ("tags", "a")];
            let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            mapping.to_document(&attributes).into_iter().map(|(_, value)| value).collect::<Vec<_>>()
        };
        assert_eq!(of("3"), [json!(3), json!(true), json!(["a"])]);
        assert_eq!(of("third"), [json!(true), json!(["a"])]);
    }
}

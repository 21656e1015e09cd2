//! When two values of a list are one: the same `value` and `type`, compared as their schema says (RFC 7643 §2.2, §2.4); of
//! members the same id. Not which values a filter means.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::Object;
use crate::document::is_primary;
use crate::key::case_key;
use crate::schema::Attribute;

/// How the values of one attribute compare.
#[derive(Clone, Copy)]
pub(crate) struct Sameness<'s> {
    membership: bool,
    /// Values that have no parts.
    own: Option<&'s Attribute>,
    value: Option<&'s Attribute>,
    kind: Option<&'s Attribute>,
}

impl<'s> Sameness<'s> {
    pub fn of(attribute: &'s Attribute) -> Self {
        Self {
            membership: attribute.is_membership(),
            own: Some(attribute),
            value: attribute.value(),
            kind: attribute.sub("type"),
        }
    }

    /// Whether two are one, as their [`identity`](Self::identity) says.
    pub fn is_same(self, left: &Value, right: &Value) -> bool {
        let (Value::Object(one), Value::Object(other)) = (left, right) else {
            return equal(left, right, self.own);
        };
        match (one.get("value"), other.get("value")) {
            (Some(value), Some(as_well)) => {
                equal(value, as_well, self.value) && (self.membership || self.is_of_type(kind(one), kind(other)))
            }
            (None, None) => one == other,
            _ => false,
        }
    }

    fn is_of_type(self, left: Option<&Value>, right: Option<&Value>) -> bool {
        match (left, right) {
            (Some(left), Some(right)) => equal(left, right, self.kind),
            (left, right) => left == right,
        }
    }

    /// Whether a value is among what a `remove` lists: of the `type` that is named with it, if one is.
    pub fn is_named(self, held: &Value, listed: &Value) -> bool {
        match (held.get("value"), listed.get("value")) {
            (Some(value), Some(gone)) => equal(value, gone, self.value) && self.is_of_named_type(held, listed),
            (None, None) => self.is_same(held, listed) && self.is_of_named_type(held, listed),
            _ => false,
        }
    }

    pub fn is_of_named_type(self, held: &Value, listed: &Value) -> bool {
        match (held.get("type"), listed.get("type")) {
            (Some(held), Some(listed)) => self.membership || equal(held, listed, self.kind),
            _ => true,
        }
    }

    /// What makes two values one. For a map, so that long lists cost no more than their length.
    pub fn identity(self, element: &Value) -> String {
        let Value::Object(object) = element else { return folded(element, self.own).to_string() };
        match object.get("value") {
            Some(value) if self.membership => value.to_string(),
            Some(value) => {
                let kind = kind(object).map(|kind| folded(kind, self.kind)).unwrap_or_default();
                Value::from(vec![folded(value, self.value), kind]).to_string()
            }
            None => {
                let ordered: BTreeMap<_, _> = object.iter().map(|(name, value)| (name, value.to_string())).collect();
                format!("{ordered:?}")
            }
        }
    }

    /// The same, whatever the `type`.
    pub fn value_identity(self, element: &Value) -> String {
        let value = element.get("value").map(|value| folded(value, self.value).to_string());
        value.unwrap_or_else(|| self.identity(element))
    }

    /// Each value once. What another of them says beside is kept, and one that is primary anywhere is so.
    pub fn merged(self, elements: Vec<Value>) -> Vec<Value> {
        let (mut merged, mut places) = (Vec::with_capacity(elements.len()), HashMap::new());
        for element in elements {
            match places.entry(self.identity(&element)) {
                Entry::Vacant(place) => {
                    place.insert(merged.len());
                    merged.push(element);
                }
                Entry::Occupied(place) => {
                    let primary = is_primary(&element);
                    if let (Some(Value::Object(held)), Value::Object(more)) = (merged.get_mut(*place.get()), element) {
                        let primary = primary || held.get("primary") == Some(&Value::Bool(true));
                        held.extend(beside(more));
                        if primary {
                            held.insert("primary".to_owned(), Value::Bool(true));
                        }
                    }
                }
            }
        }
        merged
    }
}

/// What an element says beside what makes it one with another: that keeps its spelling.
pub(crate) fn beside(mut element: Object) -> Object {
    if element.contains_key("value") {
        element.shift_remove("value");
        element.shift_remove("type");
    }
    element
}

fn kind(element: &Object) -> Option<&Value> {
    element.get("type").filter(|kind| !kind.is_null())
}

fn equal(left: &Value, right: &Value, of: Option<&Attribute>) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) if !is_exact(of) => {
            if left.is_ascii() && right.is_ascii() {
                left.eq_ignore_ascii_case(right)
            } else {
                case_key(left) == case_key(right)
            }
        }
        _ => left == right,
    }
}

fn folded(value: &Value, of: Option<&Attribute>) -> Value {
    match value {
        Value::String(text) if !is_exact(of) => Value::from(case_key(text)),
        other => other.clone(),
    }
}

fn is_exact(of: Option<&Attribute>) -> bool {
    of.is_none_or(|attribute| attribute.case_exact)
}

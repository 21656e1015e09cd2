//! Sorting (RFC 7644 §3.4.2.3): what `sortBy` names, and how two resources compare by it.
//!
//! The order among equals, by created and id, is the caller's: only the caller knows where a page begins.

use std::cmp::Ordering;

use chrono::{DateTime, FixedOffset};
use serde_json::{Number, Value};

use crate::document::is_primary;
use crate::filter::number_order;
use crate::key::case_key;
use crate::path::AttributePath;
use crate::schema::{Kind, ResourceType};
use crate::{Error, Object, ScimType};

/// How many characters of a text decide its place: beyond them values are equal, so that every place fits a cursor.
pub const DECISIVE: usize = 512;

/// A parsed `sortBy` and `sortOrder`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort<'s> {
    /// What to sort by; none if, in a query over several types, this type lacks it.
    pub path: Option<AttributePath<'s>>,
    /// The other way round.
    pub descending: bool,
}

/// What a resource is sorted by.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    /// Text, prepared for comparison unless the attribute is `caseExact`.
    Text(String),
    /// A number.
    Number(Number),
    /// `false` comes before `true`.
    Boolean(bool),
    /// A dateTime, compared as an instant.
    Instant(DateTime<FixedOffset>),
    /// No value: last in ascending order, first in descending order.
    Missing,
}

impl<'s> Sort<'s> {
    /// Reads the two parameters. An attribute the type lacks, or a complex one without a `value`, is 400 `invalidPath`.
    pub fn parse(resource: &'s ResourceType, sort_by: &str, sort_order: Option<&str>) -> Result<Self, Error> {
        Self::parse_among(resource, &[], sort_by, sort_order)
    }

    /// The same for one of several types of a query: what only another type has is a missing value.
    pub fn parse_among(
        resource: &'s ResourceType,
        types: &[&'s ResourceType],
        sort_by: &str,
        sort_order: Option<&str>,
    ) -> Result<Self, Error> {
        let descending = match sort_order.map(|order| order.trim().to_ascii_lowercase()).as_deref() {
            None | Some("" | "ascending") => false,
            Some("descending") => true,
            Some(_) => return Err(Error::value("sortOrder is ascending or descending")),
        };
        let resolve = |resource: &'s ResourceType| AttributePath::resolve(resource, sort_by.trim());
        let own = resolve(resource);
        let path = own.or_else(|| types.iter().copied().find_map(resolve));
        let sortable = path.and_then(|path| path.compared()).is_some_and(|compared| compared.kind != Kind::Complex);
        if !sortable {
            return Err(Error::bad(ScimType::InvalidPath, "sortBy names no attribute that can be sorted by"));
        }
        Ok(Self { path: own, descending })
    }

    /// What a rendered resource is sorted by: of several values the primary, else the first.
    pub fn key(&self, document: &Object) -> Key {
        let Some(path) = self.path else { return Key::Missing };
        let (Some(found), Some(attribute), Some(compared)) = (path.value(document), path.attribute, path.compared())
        else {
            return Key::Missing;
        };
        let one = match found {
            Value::Array(items) => items.iter().find(|item| is_primary(item)).or_else(|| items.first()),
            other => Some(other),
        };
        let value = if attribute.kind == Kind::Complex { one.and_then(|one| one.get(&compared.name)) } else { one };
        match value {
            Some(Value::String(text)) if compared.kind == Kind::DateTime => {
                DateTime::parse_from_rfc3339(text).map_or(Key::Missing, Key::Instant)
            }
            Some(Value::String(text)) if text.is_empty() => Key::Missing,
            Some(Value::String(text)) if compared.case_exact => Key::Text(beginning(text)),
            Some(Value::String(text)) => Key::Text(beginning(&case_key(text))),
            Some(Value::Number(number)) => Key::Number(number.clone()),
            Some(Value::Bool(flag)) => Key::Boolean(*flag),
            _ => Key::Missing,
        }
    }

    /// Which of two keys comes first.
    pub fn compare(&self, left: &Key, right: &Key) -> Ordering {
        let ascending = left.order(right);
        if self.descending { ascending.reverse() } else { ascending }
    }
}

/// Prints the order, such as `name.familyName descending`: equal texts mean equal orders.
impl std::fmt::Display for Sort<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(path) = self.path {
            path.fmt(formatter)?;
        }
        formatter.write_str(if self.descending { " descending" } else { " ascending" })
    }
}

fn beginning(text: &str) -> String {
    text.chars().take(DECISIVE).collect()
}

impl Key {
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (Self::Number(left), Self::Number(right)) => number_order(left, right).unwrap_or(Ordering::Equal),
            (Self::Boolean(left), Self::Boolean(right)) => left.cmp(right),
            (Self::Instant(left), Self::Instant(right)) => left.cmp(right),
            // Keys of one sort have one kind, or are missing; whatever else there is has a fixed order.
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Text(_) => 0,
            Self::Number(_) => 1,
            Self::Boolean(_) => 2,
            Self::Instant(_) => 3,
            Self::Missing => 4,
        }
    }
}

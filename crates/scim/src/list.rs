//! ListResponse (RFC 7644 §3.4.2) and its paging parameters.

use std::num::IntErrorKind;

use serde_json::{Value, json};

use crate::{Error, Object};

/// The largest page.
pub const MAX_RESULTS: u32 = 1_000;
/// The page where none is asked for.
pub const DEFAULT_RESULTS: u32 = 100;

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The first resource, counted from 1.
    pub start_index: u32,
    /// How many at most.
    pub count: u32,
}

impl Page {
    /// Reads `startIndex` and `count`: clamped where out of range, refused where not a number (RFC 7644 §3.4.2.4).
    pub fn parse(start_index: Option<&str>, count: Option<&str>) -> Result<Self, Error> {
        let start_index = number("startIndex", start_index)?.unwrap_or(1).max(1);
        let count = number("count", count)?.unwrap_or(i64::from(DEFAULT_RESULTS)).max(0);
        Ok(Self {
            start_index: u32::try_from(start_index).unwrap_or(u32::MAX),
            count: u32::try_from(count).unwrap_or(MAX_RESULTS).min(MAX_RESULTS),
        })
    }
}

/// A whole number; one that fits nowhere is as large as can be.
pub(crate) fn number(name: &str, text: Option<&str>) -> Result<Option<i64>, Error> {
    let Some(text) = text.map(str::trim) else { return Ok(None) };
    match text.parse::<i64>() {
        Ok(number) => Ok(Some(number)),
        Err(error) => match error.kind() {
            IntErrorKind::PosOverflow => Ok(Some(i64::MAX)),
            IntErrorKind::NegOverflow => Ok(Some(i64::MIN)),
            _ => Err(Error::value(format!("{name} must be a whole number"))),
        },
    }
}

/// A page of a walk by cursor (RFC 9865): `next` on every page but the last, `previous` on none but later ones, the
/// total where it is known.
pub fn cursor_response(
    resources: Vec<Object>,
    total: Option<u64>,
    next: Option<&str>,
    previous: Option<&str>,
) -> Value {
    let mut response = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"] });
    if let Some(total) = total {
        response["totalResults"] = json!(total);
    }
    response["itemsPerPage"] = json!(resources.len());
    for (name, cursor) in [("nextCursor", next), ("previousCursor", previous)] {
        if let Some(cursor) = cursor {
            response[name] = json!(cursor);
        }
    }
    response["Resources"] = array(resources);
    response
}

/// A list: `Resources` is always there, the numbers are true.
pub fn response(resources: Vec<Object>, total: u64, start_index: u32) -> Value {
    let mut response = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": resources.len(),
    });
    response["Resources"] = array(resources);
    response
}

/// Moved, not written and read again as the macro would.
fn array(resources: Vec<Object>) -> Value {
    Value::Array(resources.into_iter().map(Value::Object).collect())
}

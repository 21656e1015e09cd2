//! How much a PATCH may look at. A thousand operations of a few bytes each, on a list of a thousand, would cost what a
//! thousand times the list costs; the work stays in proportion to what is sent and to what it is sent for.

use serde_json::Value;

use crate::{Error, Object, ScimType};

/// The most values one request may look at, whatever its size.
pub const MAX_VISITS: usize = 1_000_000;

/// What any request may look at.
const LEAST: usize = 10_000;
/// How often a request may look at everything the document holds.
const LOOKS: usize = 4;
/// Values for each byte sent: operations that each name one of a list of several hundred are still done.
const PER_BYTE: usize = 4;

/// What is left of a request's looks.
pub(crate) struct Visits {
    left: usize,
}

impl Visits {
    /// For a request of so many bytes, on so many values.
    pub fn of(bytes: usize, values: usize) -> Self {
        let own = bytes.saturating_mul(PER_BYTE).saturating_add(LEAST);
        Self { left: values.saturating_mul(LOOKS).saturating_add(own).min(MAX_VISITS) }
    }

    /// Looks at some; too many are 400 `tooMany`.
    pub fn look(&mut self, at: usize) -> Result<(), Error> {
        let Some(left) = self.left.checked_sub(at) else {
            let detail = "the operations look at more values than a request of this size may";
            return Err(Error::bad(ScimType::TooMany, detail));
        };
        self.left = left;
        Ok(())
    }
}

/// The values of a document's lists.
pub(super) fn values(document: &Object) -> usize {
    document.values().map(|value| value.as_array().map_or(1, Vec::len)).sum()
}

/// About how many bytes a value was sent as.
pub(super) fn bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| bytes(item) + 1).sum::<usize>() + 2,
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + bytes(value) + 4).sum::<usize>() + 2,
        Value::Null | Value::Bool(_) | Value::Number(_) => 4,
    }
}

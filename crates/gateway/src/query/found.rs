//! What a walk finds: a resource by what it is sorted by, and the place of a page between two of them.

use std::cmp::Ordering;

use directory::resource::Place;
use scim::cursor::Position;
use scim::sort::{Key, Sort};
use uuid::Uuid;

/// A resource that matches, and what it is sorted by.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub key: Key,
    pub created_at: i64,
    pub id: Uuid,
    /// Which of several queries found it.
    pub of: usize,
}

pub(super) fn order(found: &mut [Found], sort: Option<&Sort<'_>>) {
    found.sort_unstable_by(|left, right| compare(left, right, sort));
}

/// By the key asked for, then created, then id: no two are equal. Without an order several types follow one another.
pub(super) fn compare(left: &Found, right: &Found, sort: Option<&Sort<'_>>) -> Ordering {
    let by_key = sort.map_or_else(|| left.of.cmp(&right.of), |sort| sort.compare(&left.key, &right.key));
    by_key.then(left.created_at.cmp(&right.created_at)).then(left.id.cmp(&right.id))
}

impl Found {
    pub fn place(self) -> Place {
        Place { key: self.key, created_at: self.created_at, id: self.id }
    }

    /// As a cursor carries it: what decides first is the key asked for, or the type where several follow one another.
    pub fn position(&self, sorted: bool) -> Position {
        let kind = (self.of > 0).then(|| write_key(&Key::Number(self.of.into())));
        let sort_key = if sorted { Some(write_key(&self.key)) } else { kind };
        Position { created: self.created_at, id: self.id.to_string(), sort_key }
    }

    /// Reads a position that [`Self::position`] wrote.
    pub fn at(position: &Position, sorted: bool) -> Option<Self> {
        let id = Uuid::parse_str(&position.id).ok()?;
        let key = position.sort_key.as_deref().map_or(Some(Key::Missing), read_key)?;
        let of = match &key {
            Key::Number(number) if !sorted => usize::try_from(number.as_u64()?).ok()?,
            _ => 0,
        };
        Some(Self { key, created_at: position.created, id, of })
    }
}

fn write_key(key: &Key) -> String {
    match key {
        Key::Text(text) => format!("t{text}"),
        Key::Number(number) => format!("n{number}"),
        Key::Boolean(flag) => format!("b{flag}"),
        Key::Instant(instant) => format!("i{}", instant.to_rfc3339()),
        Key::Missing => "-".to_owned(),
    }
}

fn read_key(text: &str) -> Option<Key> {
    let (kind, rest) = text.split_at_checked(1)?;
    Some(match kind {
        "t" => Key::Text(rest.to_owned()),
        "n" => Key::Number(serde_json::from_str(rest).ok()?),
        "b" => Key::Boolean(rest == "true"),
        "i" => Key::Instant(chrono::DateTime::parse_from_rfc3339(rest).ok()?),
        _ => Key::Missing,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_carries_every_place() {
        let instant = chrono::DateTime::parse_from_rfc3339("2021-09-23T19:35:41.841572Z").unwrap();
        let keys = [Key::Text("tü".to_owned()), Key::Number(7.into()), Key::Boolean(true), Key::Instant(instant)];
        for key in keys.into_iter().chain([Key::Missing]) {
            let found = Found { key, created_at: 5, id: Uuid::from_u128(9), of: 0 };
            assert_eq!(Found::at(&found.position(true), true), Some(found));
        }
        for of in [0, 1] {
            let found = Found { key: Key::Missing, created_at: 5, id: Uuid::from_u128(9), of };
            assert_eq!(Found::at(&found.position(false), false).map(|found| found.of), Some(of));
        }
    }
}

//! Orders that a column answers (RFC 7644 §3.4.2.3), so that the database sorts and no document is read for it. Beyond the
//! key resources come in the order of creation, as always.

use scim::sort::{DECISIVE, Key, Sort};
use sea_orm::{DbBackend, Value};

use crate::resource::Kind;

/// An order by a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    column: Column,
    descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Text(&'static str),
    /// Microseconds.
    Time(&'static str),
}

impl Order {
    /// The order of a sort, where a column has what it sorts by.
    pub fn of(kind: Kind, sort: &Sort<'_>) -> Option<Self> {
        let column = match (kind, sort.path?.to_string().as_str()) {
            (Kind::User, "userName") => Column::Text("username_key"),
            (Kind::Group, "displayName") => Column::Text("display_key"),
            (_, "externalId") => Column::Text("external_key"),
            (_, "meta.created") => Column::Time("created_at"),
            (_, "meta.lastModified") => Column::Time("modified_at"),
            _ => return None,
        };
        Some(Self { column, descending: sort.descending })
    }

    /// What a row of `r` is sorted by: as much of a text as decides its place elsewhere too.
    pub(crate) fn key(self) -> String {
        match self.column {
            Column::Text(column) => format!("nullif(substr(r.{column}, 1, {DECISIVE}), '')"),
            Column::Time(column) => format!("r.{column}"),
        }
    }

    /// The same of a row of `page`.
    pub(crate) fn of_page(self) -> String {
        match self.column {
            Column::Text(_) => "page.text_key".to_owned(),
            Column::Time(_) => "page.time_key".to_owned(),
        }
    }

    /// The beginning of an `order by` a key: without a value last, the other way round first.
    pub(crate) fn by(self, backend: DbBackend, key: &str) -> String {
        let direction = if self.descending { "desc" } else { "asc" };
        format!("case when {key} is null then 1 else 0 end {direction}, {key}{} {direction},", self.collation(backend))
    }

    /// What comes after a key, or has the same one and comes after it by creation.
    pub(crate) fn after(
        self,
        backend: DbBackend,
        key: &Key,
        later: &str,
        place: &mut impl FnMut(Value) -> String,
    ) -> String {
        let column = self.key();
        let value = match (key, self.column) {
            (Key::Text(text), Column::Text(_)) => Some(text.clone().into()),
            (Key::Instant(instant), Column::Time(_)) => Some(instant.timestamp_micros().into()),
            _ => None,
        };
        match value.map(place) {
            None if self.descending => format!("({column} is not null or {later})"),
            None => format!("({column} is null and {later})"),
            Some(value) => {
                let (beyond, absent) =
                    if self.descending { ("<", String::new()) } else { (">", format!(" or {column} is null")) };
                format!(
                    "({column}{} {beyond} {value} or ({column} = {value} and {later}){absent})",
                    self.collation(backend)
                )
            }
        }
    }

    /// The key as a text and as a time, as a statement answers with it: at least one of them is null.
    pub(crate) fn columns(order: Option<Self>) -> (String, String) {
        let (text, time) = ("cast(null as text)".to_owned(), "cast(null as bigint)".to_owned());
        match order.map(|order| (order.column, order.key())) {
            Some((Column::Text(_), key)) => (key, time),
            Some((Column::Time(_), key)) => (text, key),
            None => (text, time),
        }
    }

    /// Reads the two.
    pub(crate) fn read(text: Option<String>, time: Option<i64>) -> Key {
        let instant = time.and_then(chrono::DateTime::from_timestamp_micros);
        instant.map(|instant| Key::Instant(instant.fixed_offset())).or(text.map(Key::Text)).unwrap_or(Key::Missing)
    }

    /// Texts compare by their characters' numbers, as they do in memory, not by a locale.
    fn collation(self, backend: DbBackend) -> &'static str {
        match (self.column, backend) {
            (Column::Text(_), DbBackend::Postgres) => " collate \"C\"",
            _ => "",
        }
    }
}

//! Queries (RFC 7644 §3.4.2, §3.4.3): one form for the parameters of a GET and the body of a `/.search`, with the same
//! limits and errors. Names are read in any letter case; what is unknown is ignored.

use serde_json::Value;

use crate::filter::Filter;
use crate::list::{MAX_RESULTS, Page, number};
use crate::projection::Projection;
use crate::schema::ResourceType;
use crate::sort::Sort;
use crate::{Error, ScimType};

/// What of which resources, in which order, on which page.
#[derive(Debug, Clone, PartialEq)]
pub struct Query<'s> {
    /// The type it is about.
    pub resource: &'s ResourceType,
    /// Which resources; none means all.
    pub filter: Option<Filter<'s>>,
    /// In which order; none means created, id.
    pub sort: Option<Sort<'s>>,
    /// Which page.
    pub paging: Paging,
    /// What of each resource.
    pub projection: Projection<'s>,
}

/// How a client walks through the results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paging {
    /// By number (RFC 7644 §3.4.2.4).
    Index(Page),
    /// By cursor (RFC 9865): none for the first page, and the count if one is asked for.
    Cursor {
        /// The cursor as sent, not yet verified; none asks for the first page.
        cursor: Option<String>,
        /// How many at most; none where the client leaves it to the server.
        count: Option<u32>,
    },
}

/// A query as sent.
#[derive(Debug, Clone, Default)]
struct Sent {
    filter: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    start_index: Option<String>,
    count: Option<String>,
    cursor: Option<String>,
    attributes: Vec<String>,
    excluded: Vec<String>,
}

impl<'s> Query<'s> {
    /// Reads decoded query parameters. Of a parameter that comes twice the first counts.
    pub fn of_parameters<'p>(
        resource: &'s ResourceType,
        parameters: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) -> Result<Self, Error> {
        Sent::of_parameters(parameters).query(resource, &[])
    }

    /// Reads a SearchRequest.
    pub fn of_body(resource: &'s ResourceType, body: &Value) -> Result<Self, Error> {
        Sent::of_body(body)?.query(resource, &[])
    }

    /// A query at the root: one for each type, with the same paging. What a type lacks has no value there; what no type
    /// has is an error (RFC 7644 §3.4.2.1).
    pub fn of_root_parameters<'p>(
        types: &[&'s ResourceType],
        parameters: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) -> Result<Vec<Self>, Error> {
        let sent = Sent::of_parameters(parameters);
        types.iter().map(|resource| sent.query(resource, types)).collect()
    }

    /// A SearchRequest at the root.
    pub fn of_root_body(types: &[&'s ResourceType], body: &Value) -> Result<Vec<Self>, Error> {
        let sent = Sent::of_body(body)?;
        types.iter().map(|resource| sent.query(resource, types)).collect()
    }
}

impl Sent {
    fn of_parameters<'p>(parameters: impl IntoIterator<Item = (&'p str, &'p str)>) -> Self {
        let mut sent = Self::default();
        let first = |place: &mut Option<String>, value: &str| {
            place.get_or_insert_with(|| value.to_owned());
        };
        let names = |place: &mut Vec<String>, value: &str| {
            if place.is_empty() {
                *place = value.split(',').map(str::to_owned).collect();
            }
        };
        for (name, value) in parameters {
            match name.to_ascii_lowercase().as_str() {
                "filter" => first(&mut sent.filter, value),
                "sortby" => first(&mut sent.sort_by, value),
                "sortorder" => first(&mut sent.sort_order, value),
                "startindex" => first(&mut sent.start_index, value),
                "count" => first(&mut sent.count, value),
                "cursor" => first(&mut sent.cursor, value),
                "attributes" => names(&mut sent.attributes, value),
                "excludedattributes" => names(&mut sent.excluded, value),
                _ => {}
            }
        }
        sent
    }

    fn of_body(body: &Value) -> Result<Self, Error> {
        let body = body.as_object().ok_or_else(|| Error::syntax("the body must be a JSON object"))?;
        let mut sent = Self::default();
        for (name, value) in body.iter().filter(|(_, value)| !value.is_null()) {
            match name.to_ascii_lowercase().as_str() {
                "filter" => sent.filter = Some(text(value, "filter", ScimType::InvalidFilter)?),
                "sortby" => sent.sort_by = Some(text(value, "sortBy", ScimType::InvalidPath)?),
                "sortorder" => sent.sort_order = Some(text(value, "sortOrder", ScimType::InvalidValue)?),
                "startindex" => sent.start_index = Some(whole(value)),
                "count" => sent.count = Some(whole(value)),
                "cursor" => sent.cursor = Some(text(value, "cursor", ScimType::InvalidCursor)?),
                "attributes" => sent.attributes = names(value, "attributes")?,
                "excludedattributes" => sent.excluded = names(value, "excludedAttributes")?,
                _ => {}
            }
        }
        Ok(sent)
    }

    fn query<'s>(&self, resource: &'s ResourceType, types: &[&'s ResourceType]) -> Result<Query<'s>, Error> {
        let filter = self.filter.as_deref().map(|text| Filter::parse_among(resource, types, text)).transpose()?;
        let sort_by = self.sort_by.as_deref().filter(|sort_by| !sort_by.trim().is_empty());
        let sort = sort_by
            .map(|sort_by| Sort::parse_among(resource, types, sort_by, self.sort_order.as_deref()))
            .transpose()?;
        let projection = Projection::of_names(resource, &self.attributes, &self.excluded)?;
        Ok(Query { resource, filter, sort, paging: self.paging()?, projection })
    }

    /// A cursor, an empty one too, asks for paging by cursor; a `startIndex` beside it says nothing.
    fn paging(&self) -> Result<Paging, Error> {
        let Some(cursor) = &self.cursor else {
            return Page::parse(self.start_index.as_deref(), self.count.as_deref()).map(Paging::Index);
        };
        let limit = i64::from(MAX_RESULTS);
        let count = number("count", self.count.as_deref())?.map(|count| count.clamp(0, limit));
        let count = count.map(|count| u32::try_from(count).unwrap_or(MAX_RESULTS));
        Ok(Paging::Cursor { cursor: Some(cursor.clone()).filter(|cursor| !cursor.is_empty()), count })
    }
}

fn text(value: &Value, name: &str, kind: ScimType) -> Result<String, Error> {
    value.as_str().map(str::to_owned).ok_or_else(|| Error::bad(kind, format!("{name} must be a string")))
}

/// A number as the text a parameter would be; what is none is refused where the text is read.
fn whole(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn names(value: &Value, name: &str) -> Result<Vec<String>, Error> {
    let wrong = || Error::value(format!("{name} must be a list of strings"));
    match value {
        Value::String(text) => Ok(text.split(',').map(str::to_owned).collect()),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect(),
        _ => Err(wrong()),
    }
}

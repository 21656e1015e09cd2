//! Lists and searches: what the database can answer it answers, a page at a time; the rest is walked in the order of
//! creation, a bounded number at once, and evaluated over the documents. Never more than a page is kept.

use std::cmp::Ordering;
use std::collections::HashMap;

use directory::Condition;
use directory::resource::{self, Kind, Page as Rows, Resource, Wanted};
use scim::cursor::{self, Position, Walk};
use scim::filter::{Expression, Operand};
use scim::list;
use scim::query::{Paging, Query};
use scim::sort::{Key, Sort};
use scim::{Error, Object};
use serde_json::Value;
use uuid::Uuid;

use crate::answer::Answer;
use crate::call::Call;
use crate::render::{relation, whole};
use crate::write::existing::{Sought, fetch};

type Outcome = Result<Answer, Answer>;

/// How many resources residual evaluation holds at once.
const WALK: u32 = 500;
/// How long a cursor is good, seconds; what `/ServiceProviderConfig` says.
const CURSOR_LIFE: i64 = 3_600;

/// `GET /Users`, `GET /Groups`.
pub(crate) async fn list(call: &Call<'_>, kind: Kind) -> Outcome {
    let parameters = call.request.query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    run(call, &[(kind, Query::of_parameters(call.types.of(kind), parameters)?)]).await
}

/// `POST …/.search`.
pub(crate) async fn search(call: &Call<'_>, kind: Kind, body: &Value) -> Outcome {
    run(call, &[(kind, Query::of_body(call.types.of(kind), body)?)]).await
}

/// `GET /` and `POST /.search`: all types, users first.
pub(crate) async fn root(call: &Call<'_>, body: Option<&Value>) -> Outcome {
    let queries = match body {
        Some(body) => Query::of_root_body(&call.types.all(), body)?,
        None => {
            let parameters = call.request.query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            Query::of_root_parameters(&call.types.all(), parameters)?
        }
    };
    run(call, &[Kind::User, Kind::Group].into_iter().zip(queries).collect::<Vec<_>>()).await
}

async fn run(call: &Call<'_>, queries: &[(Kind, Query<'_>)]) -> Outcome {
    let Some((_, first)) = queries.first() else { return Ok(Answer::json(200, list::response(&[], 0, 1))) };
    match &first.paging {
        Paging::Index(page) => by_index(call, queries, *page).await,
        Paging::Cursor { cursor, count } => by_cursor(call, queries, cursor.as_deref(), *count).await,
    }
}

async fn by_index(call: &Call<'_>, queries: &[(Kind, Query<'_>)], page: list::Page) -> Outcome {
    let (skip, take) = (u64::from(page.start_index - 1), page.count);
    let [(kind, query)] = queries else { return of_many(call, queries, page).await };
    if *kind == Kind::User && call.provisioner.importing {
        fetch_named(call, query).await?;
    }
    let selection = Selection::of(*kind, query);
    let (resources, total) = if selection.indexed() {
        let wanted = Wanted { related: selection.related, total: true };
        let rows = Rows::Offset(skip, take);
        let (rows, total) =
            resource::page(&call.deps.db, call.tenant(), *kind, &selection.condition, rows, wanted).await?;
        (rows, total.unwrap_or(0))
    } else {
        let (mut found, held) = selection.keys(call).await?;
        let total = found.len() as u64;
        order(&mut found, query.sort.as_ref());
        let page: Vec<Found> =
            found.into_iter().skip(usize::try_from(skip).unwrap_or(usize::MAX)).take(take as usize).collect();
        (selection.fetch(call, &page, held).await?, total)
    };
    let shown: Vec<Object> = resources.iter().map(|resource| selection.show(call, resource)).collect();
    Ok(Answer::json(200, list::response(&shown, total, page.start_index)))
}

/// A look-up by name while the import is under way asks the realm too (K8).
async fn fetch_named(call: &Call<'_>, query: &Query<'_>) -> Result<(), Answer> {
    let looked_for = query.filter.as_ref().and_then(scim::filter::Filter::as_equality);
    if let Some((path, name)) = looked_for
        && path == "userName"
    {
        fetch(call, Sought::Name(name)).await?;
    }
    Ok(())
}

/// Several types are one list: in the order asked for, or one type after the other.
async fn of_many(call: &Call<'_>, queries: &[(Kind, Query<'_>)], page: list::Page) -> Outcome {
    let selections: Vec<Selection<'_>> = queries.iter().map(|(kind, query)| Selection::of(*kind, query)).collect();
    let (mut found, mut held) = (Vec::new(), Vec::new());
    for (number, selection) in selections.iter().enumerate() {
        let (keys, resources) = selection.keys(call).await?;
        found.extend(keys.into_iter().map(|found| Found { of: number, ..found }));
        held.push(resources);
    }
    let sort = queries.first().and_then(|(_, query)| query.sort.as_ref());
    order(&mut found, sort);
    let total = found.len() as u64;
    let skip = usize::try_from(page.start_index - 1).unwrap_or(usize::MAX);
    let page_of: Vec<Found> = found.into_iter().skip(skip).take(page.count as usize).collect();
    let mut shown: Vec<Option<Object>> = vec![None; page_of.len()];
    for ((number, selection), held) in selections.iter().enumerate().zip(held) {
        let mine: Vec<(usize, Found)> =
            page_of.iter().cloned().enumerate().filter(|(_, found)| found.of == number).collect();
        let wanted: Vec<Found> = mine.iter().map(|(_, found)| found.clone()).collect();
        for resource in selection.fetch(call, &wanted, held).await? {
            if let Some((place, _)) = mine.iter().find(|(_, found)| found.id == resource.id) {
                shown[*place] = Some(selection.show(call, &resource));
            }
        }
    }
    let shown: Vec<Object> = shown.into_iter().flatten().collect();
    Ok(Answer::json(200, list::response(&shown, total, page.start_index)))
}

/// RFC 9865: each page begins after the last resource of the one before, so that a walk neither skips nor repeats
/// whatever is written meanwhile.
async fn by_cursor(
    call: &Call<'_>,
    queries: &[(Kind, Query<'_>)],
    cursor: Option<&str>,
    count: Option<u32>,
) -> Outcome {
    let [(kind, query)] = queries else {
        return Err(Error::plain(501, "a query over several types has no cursors; page by startIndex").into());
    };
    let key = match &call.provisioner.cursor_key {
        Some(key) => key.clone(),
        None => registry::tenant::cursor_key(&call.deps.db, call.tenant()).await.map_err(|_| Answer::unavailable())?,
    };
    let (filter, sort) = (query.filter.as_ref(), query.sort.as_ref());
    let now = chrono::Utc::now().timestamp();
    let walk = |count| Walk::new(&call.tenant().to_string(), &call.types.of(*kind).endpoint, filter, sort, count);
    let (after, count) = match cursor {
        None => (None, count),
        Some(text) => {
            let (position, counted) = cursor::decode(&key, &walk(count), text, now, CURSOR_LIFE)?;
            (Some(position), counted)
        }
    };
    let size = count.unwrap_or(list::DEFAULT_RESULTS);
    let selection = Selection::of(*kind, query);
    let (resources, total, next) = selection.after(call, after.as_ref(), size).await?;
    let next = next.and_then(|position| cursor::encode(&key, &walk(count), &position, now));
    let shown: Vec<Object> = resources.iter().map(|resource| selection.show(call, resource)).collect();
    Ok(Answer::json(200, list::cursor_response(&shown, Some(total), next.as_deref(), None)))
}

/// A query on one type as it is carried out.
struct Selection<'q> {
    kind: Kind,
    query: &'q Query<'q>,
    condition: Condition,
    /// Answers show, or the filter or order needs, what relates to a resource.
    related: bool,
}

/// Resources at hand, by id.
type Held = HashMap<Uuid, Resource>;

/// A resource that matches, and what it is sorted by.
#[derive(Clone)]
struct Found {
    key: Key,
    created_at: i64,
    id: Uuid,
    /// Which of several queries found it.
    of: usize,
}

impl<'q> Selection<'q> {
    fn of(kind: Kind, query: &'q Query<'q>) -> Self {
        let condition = query.filter.as_ref().map_or_else(Condition::all, |filter| Condition::of(kind, filter));
        let name = relation(kind);
        let related = query.projection.shows(query.resource, name)
            || query.filter.as_ref().is_some_and(|filter| !condition.exact && mentions(filter.expression(), name))
            || query.sort.as_ref().is_some_and(|sort| names(sort.path.as_ref(), name));
        Self { kind, query, condition, related }
    }

    /// The database answers it alone.
    fn indexed(&self) -> bool {
        self.condition.exact && self.query.sort.is_none()
    }

    fn matches(&self, call: &Call<'_>, resource: &Resource) -> Option<Object> {
        let document = whole(call, self.kind, resource);
        let matches = self.query.filter.as_ref().is_none_or(|filter| filter.matches(&document));
        matches.then_some(document)
    }

    fn show(&self, call: &Call<'_>, resource: &Resource) -> Object {
        self.query.projection.apply(call.types.of(self.kind), whole(call, self.kind, resource))
    }

    /// Walks everything the condition lets through; what matches, with what it is sorted by. The resources themselves stay
    /// at hand only where the walk took one step, so that they need not be read again.
    async fn keys(&self, call: &Call<'_>) -> Result<(Vec<Found>, Held), Answer> {
        let (mut found, mut held, mut last) = (Vec::new(), Held::new(), None);
        let wanted = Wanted { related: self.related, total: false };
        loop {
            let rows = Rows::After(last, WALK);
            let (rows, _) =
                resource::page(&call.deps.db, call.tenant(), self.kind, &self.condition, rows, wanted).await?;
            let full = rows.len() == WALK as usize;
            let only = last.is_none() && !full;
            last = rows.last().map(|resource| (resource.created_at, resource.id));
            for resource in rows {
                let Some(document) = self.matches(call, &resource) else { continue };
                let key = self.query.sort.as_ref().map_or(Key::Missing, |sort| sort.key(&document));
                found.push(Found { key, created_at: resource.created_at, id: resource.id, of: 0 });
                if only {
                    held.insert(resource.id, resource);
                }
            }
            if !full {
                return Ok((found, held));
            }
        }
    }

    /// The resources of a page, in its order.
    async fn fetch(&self, call: &Call<'_>, page: &[Found], mut held: Held) -> Result<Vec<Resource>, Answer> {
        let ids: Vec<Uuid> = page.iter().map(|found| found.id).collect();
        if held.is_empty() {
            let related = self.query.projection.shows(self.query.resource, relation(self.kind));
            let fetched = resource::by_ids(&call.deps.db, call.tenant(), self.kind, &ids, related).await?;
            held.extend(fetched.into_iter().map(|resource| (resource.id, resource)));
        }
        Ok(ids.iter().filter_map(|id| held.remove(id)).collect())
    }

    /// The page after a position: its resources, how many match in all, and the position of the next page.
    async fn after(
        &self,
        call: &Call<'_>,
        position: Option<&Position>,
        size: u32,
    ) -> Result<(Vec<Resource>, u64, Option<Position>), Answer> {
        if self.indexed() {
            let last = position.and_then(|position| Some((position.created, Uuid::parse_str(&position.id).ok()?)));
            let wanted = Wanted { related: self.related, total: true };
            let rows = Rows::After(last, size.saturating_add(1));
            let (mut rows, total) =
                resource::page(&call.deps.db, call.tenant(), self.kind, &self.condition, rows, wanted).await?;
            let more = rows.len() > size as usize;
            rows.truncate(size as usize);
            let next = rows.last().filter(|_| more).map(|last| Position {
                created: last.created_at,
                id: last.id.to_string(),
                sort_key: None,
            });
            return Ok((rows, total.unwrap_or(0), next));
        }
        let sort = self.query.sort.as_ref();
        let (mut found, held) = self.keys(call).await?;
        let total = found.len() as u64;
        order(&mut found, sort);
        let passed = position.and_then(|position| {
            let id = Uuid::parse_str(&position.id).ok()?;
            let key = position.sort_key.as_deref().map_or(Some(Key::Missing), read_key)?;
            Some(Found { key, created_at: position.created, id, of: 0 })
        });
        let rest: Vec<Found> = match &passed {
            None => found,
            Some(passed) => found.into_iter().filter(|found| compare(found, passed, sort).is_gt()).collect(),
        };
        let more = rest.len() > size as usize;
        let page: Vec<Found> = rest.into_iter().take(size as usize).collect();
        let next = page.last().filter(|_| more).map(|last| Position {
            created: last.created_at,
            id: last.id.to_string(),
            sort_key: sort.map(|_| write_key(&last.key)),
        });
        Ok((self.fetch(call, &page, held).await?, total, next))
    }
}

fn order(found: &mut [Found], sort: Option<&Sort<'_>>) {
    found.sort_unstable_by(|left, right| compare(left, right, sort));
}

/// By the key asked for, then created, then id: no two are equal. Without an order several types follow one another.
fn compare(left: &Found, right: &Found, sort: Option<&Sort<'_>>) -> Ordering {
    let by_key = sort.map_or_else(|| left.of.cmp(&right.of), |sort| sort.compare(&left.key, &right.key));
    by_key.then(left.created_at.cmp(&right.created_at)).then(left.id.cmp(&right.id))
}

/// A key as a cursor carries it.
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

/// Whether a filter looks at an attribute of this name.
fn mentions(expression: &Expression<'_>, name: &str) -> bool {
    match expression {
        Expression::And(left, right) | Expression::Or(left, right) => mentions(left, name) || mentions(right, name),
        Expression::Not(inner) => mentions(inner, name),
        Expression::Present(Operand::Resource(path)) | Expression::Compare(Operand::Resource(path), ..) => {
            names(Some(path), name)
        }
        Expression::Elements(path, ..) => names(Some(path), name),
        Expression::Present(Operand::Element(_))
        | Expression::Compare(Operand::Element(_), ..)
        | Expression::Constant(_) => false,
    }
}

fn names(path: Option<&scim::path::AttributePath<'_>>, name: &str) -> bool {
    path.and_then(|path| path.attribute).is_some_and(|attribute| attribute.name == name)
}

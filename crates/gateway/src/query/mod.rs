//! Lists and searches: what the database can answer it answers, a page at a time; the rest is walked in the order of
//! creation, a bounded number at once, and evaluated over the documents. Never more than a page is kept.

mod found;
mod selection;
mod walk;

use directory::resource::{Kind, Page as Rows};
use directory::user;
use scim::query::{Paging, Query};
use scim::{Object, list};
use serde_json::Value;

use self::found::{Found, order};
use self::selection::Selection;
use crate::answer::Answer;
use crate::call::Call;
use crate::write::existing::{Sought, fetch};

type Outcome = Result<Answer, Answer>;

/// `GET /Users`, `GET /Groups`.
pub(crate) async fn list(call: &Call<'_>, kind: Kind) -> Outcome {
    let parameters = call.request.query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let query = Query::of_parameters(call.types.of(kind), parameters)?;
    one_type(call, kind, query).await
}

/// `POST …/.search`.
pub(crate) async fn search(call: &Call<'_>, kind: Kind, body: &Value) -> Outcome {
    let query = Query::of_body(call.types.of(kind), body)?;
    one_type(call, kind, query).await
}

async fn one_type(call: &Call<'_>, kind: Kind, query: Query<'_>) -> Outcome {
    if kind == Kind::User && call.provisioner.importing {
        fetch_sought(call, &query).await?;
    }
    run(call, &[(kind, query)]).await
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

/// A look-up by name or externalId of somebody whom the directory does not have asks the realm while the import is under way (K8).
async fn fetch_sought(call: &Call<'_>, query: &Query<'_>) -> Result<(), Answer> {
    let looked_for = query.filter.as_ref().and_then(scim::filter::Filter::as_equality);
    let (db, tenant) = (&call.deps.db, call.tenant());
    let (sought, held) = match &looked_for {
        Some((path, name)) if path == "userName" => {
            (Sought::Name(name), user::by_username(db, tenant, &scim::key::username_key(name)).await?)
        }
        Some((path, id)) if path == "externalId" => (Sought::ExternalId(id), user::by_external(db, tenant, id).await?),
        _ => return Ok(()),
    };
    if held.is_none() { fetch(call, sought).await.map(drop) } else { Ok(()) }
}

async fn run(call: &Call<'_>, queries: &[(Kind, Query<'_>)]) -> Outcome {
    let selections: Vec<Selection<'_>> =
        queries.iter().map(|(kind, query)| Selection::of(call, *kind, query)).collect();
    match queries.first().map(|(_, query)| &query.paging) {
        None => Ok(Answer::json(200, list::response(Vec::new(), 0, 1))),
        Some(Paging::Index(page)) => by_index(&selections, *page).await,
        Some(Paging::Cursor { cursor, count }) => walk::by_cursor(call, &selections, cursor.as_deref(), *count).await,
    }
}

/// Several types are one list: in the order asked for, or one type after the other.
async fn by_index(selections: &[Selection<'_>], page: list::Page) -> Outcome {
    let skip = u64::from(page.start_index - 1);
    let (shown, total) = if selection::in_the_database(selections) {
        let (mut shown, mut passed): (Vec<Object>, u64) = (Vec::new(), 0);
        for selection in selections {
            let missing = page.count - u32::try_from(shown.len()).unwrap_or(page.count);
            let selected = selection.page(&Rows::Offset(skip.saturating_sub(passed), missing), true).await?;
            shown.extend(selected.resources.into_iter().map(|resource| selection.show(resource)));
            passed += selected.total;
        }
        (shown, passed)
    } else {
        let (mut found, held) = selection::walk(selections).await?;
        order(&mut found, selections.first().and_then(Selection::sort));
        let total = found.len() as u64;
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let page: Vec<Found> = found.into_iter().skip(skip).take(page.count as usize).collect();
        (selection::show(selections, &page, held).await?, total)
    };
    Ok(Answer::json(200, list::response(shown, total, page.start_index)))
}

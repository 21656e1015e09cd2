//! `/Users`: reads come from the directory alone, writes go through [`crate::write`].

use directory::user::{self, User};
use registry::tenant::Provisioner;
use scim::document::{self, Meta};
use scim::filter::Filter;
use scim::list::{self, Page};
use scim::patch;
use scim::projection::Projection;
use scim::schema::USER;
use scim::{Error, Object};
use serde_json::Value;
use uuid::Uuid;

use crate::answer::Answer;
use crate::request::Request;
use crate::{Deps, write};

type Outcome = Result<Answer, Answer>;

/// How many users residual evaluation of a filter holds at once.
const WALK: u32 = 500;

pub(crate) async fn read(deps: &Deps, provisioner: &Provisioner, request: &Request, id: &str) -> Outcome {
    let projection = projection(request)?;
    let user = match Uuid::parse_str(id) {
        Ok(id) => user::by_id(&deps.db, provisioner.tenant, id).await?,
        Err(_) => None,
    };
    let user = user.ok_or_else(missing)?;
    if request.if_none_match.as_deref().is_some_and(|tags| names(tags, user.version)) {
        return Ok(Answer { etag: Some(document::etag(user.version)), ..Answer::empty(304) });
    }
    Ok(answer(200, provisioner, &user, &projection))
}

pub(crate) async fn list(deps: &Deps, provisioner: &Provisioner, request: &Request) -> Outcome {
    let projection = projection(request)?;
    let page = Page::parse(request.parameter("startIndex"), request.parameter("count"))?;
    let filter = request.parameter("filter").map(|text| Filter::parse(&USER, text)).transpose()?;
    let (users, total) = match &filter {
        None => user::page(&deps.db, provisioner.tenant, page.start_index - 1, page.count).await?,
        Some(filter) => matching(deps, provisioner, filter, page).await?,
    };
    let resources: Vec<Object> = users.iter().map(|user| projection.apply(&USER, render(provisioner, user))).collect();
    Ok(Answer::json(200, list::response(&resources, total, page.start_index)))
}

/// An equality an index answers, else residual evaluation: the tenant's users are walked in their order, a bounded
/// number at a time, and only the page's are kept.
async fn matching(
    deps: &Deps,
    provisioner: &Provisioner,
    filter: &Filter,
    page: Page,
) -> Result<(Vec<User>, u64), Answer> {
    let (db, tenant) = (&deps.db, provisioner.tenant);
    let indexed = match filter.as_equality() {
        Some((path, text)) if path == "userName" => {
            Some(user::by_username(db, tenant, &scim::key::username_key(text)).await?)
        }
        Some((path, text)) if path == "externalId" => Some(user::by_external(db, tenant, text).await?),
        Some((path, text)) if path == "id" => Some(match Uuid::parse_str(text) {
            Ok(id) => user::by_id(db, tenant, id).await?,
            Err(_) => None,
        }),
        _ => None,
    };
    let (skip, take) = (u64::from(page.start_index - 1), u64::from(page.count));
    if let Some(found) = indexed {
        let total = u64::from(found.is_some());
        return Ok((found.into_iter().filter(|_| skip == 0 && take > 0).collect(), total));
    }
    let (mut kept, mut total, mut last) = (Vec::new(), 0, None);
    loop {
        let users = user::after(db, tenant, last, WALK).await?;
        last = users.last().map(|user| (user.created_at, user.id));
        let full = users.len() == WALK as usize;
        for user in users.into_iter().filter(|user| filter.matches(&render(provisioner, user))) {
            if total >= skip && total < skip + take {
                kept.push(user);
            }
            total += 1;
        }
        if !full {
            return Ok((kept, total));
        }
    }
}

pub(crate) async fn create(deps: &Deps, provisioner: &Provisioner, request: &Request, body: &Value) -> Outcome {
    let projection = projection(request)?;
    let mut new = document::accept(&USER, body)?;
    new.entry("active").or_insert(Value::Bool(true));
    let user = write::create(deps, provisioner, request, &new).await?;
    let location = format!("{}/Users/{}", provisioner.base_url, user.id);
    Ok(Answer { location: Some(location), ..answer(201, provisioner, &user, &projection) })
}

pub(crate) async fn replace(
    deps: &Deps,
    provisioner: &Provisioner,
    request: &Request,
    id: &str,
    body: &Value,
) -> Outcome {
    let projection = projection(request)?;
    // Whether it will deactivate is known before the row is read: PUT takes `active` from the body or leaves it.
    let deactivates = document::accept(&USER, body)?.get("active") == Some(&Value::Bool(false));
    let change = |current: &Object| document::replace(&USER, current, body);
    let user = write::update(deps, provisioner, request, id, deactivates, change).await?;
    Ok(answer(200, provisioner, &user, &projection))
}

pub(crate) async fn patch(
    deps: &Deps,
    provisioner: &Provisioner,
    request: &Request,
    id: &str,
    body: &Value,
) -> Outcome {
    let projection = projection(request)?;
    let patch = patch::parse(body)?;
    let options = patch::Options { create_on_replace: provisioner.idp_profile == "entra" };
    let change = |current: &Object| patch::apply(&USER, current, &patch, options).map(|applied| applied.document);
    let user = write::update(deps, provisioner, request, id, patch.deactivates(&USER), change).await?;
    Ok(answer(200, provisioner, &user, &projection))
}

pub(crate) async fn delete(deps: &Deps, provisioner: &Provisioner, request: &Request, id: &str) -> Outcome {
    write::delete(deps, provisioner, request, id).await?;
    Ok(Answer::empty(204))
}

/// Whether a list of entity tags names a version. Ours are weak; a client may send them as strong.
pub(crate) fn names(tags: &str, version: i64) -> bool {
    let ours = version.to_string();
    tags.split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"') == ours)
}

pub(crate) fn missing() -> Answer {
    Error::plain(404, "there is no such user").into()
}

fn projection(request: &Request) -> Result<Projection, Error> {
    Projection::parse(&USER, request.parameter("attributes"), request.parameter("excludedAttributes"))
}

fn answer(status: u16, provisioner: &Provisioner, user: &User, projection: &Projection) -> Answer {
    let body = Value::Object(projection.apply(&USER, render(provisioner, user)));
    Answer { etag: Some(document::etag(user.version)), ..Answer::json(status, body) }
}

fn render(provisioner: &Provisioner, user: &User) -> Object {
    let id = user.id.to_string();
    let meta = Meta {
        id: &id,
        created: user.created_at,
        last_modified: user.modified_at,
        version: user.version,
        base_url: &provisioner.base_url,
    };
    document::render(&USER, &user.document, &meta)
}

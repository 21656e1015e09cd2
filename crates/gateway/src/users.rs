//! `/Users`: reads come from the directory alone, writes go through [`crate::write`].

use directory::resource::{self, Kind};
use directory::user::User;
use scim::projection::Projection;
use scim::{Error, Object, document, etag, ignored, patch};
use serde_json::Value;

use crate::answer::Answer;
use crate::call::Call;
use crate::render;
use crate::write::existing::{Sought, fetch};
use crate::write::{self, id_of, missing};

type Outcome = Result<Answer, Answer>;

/// A user or a group by id.
pub(crate) async fn read(call: &Call<'_>, kind: Kind, id: &str) -> Outcome {
    let projection = projection(call, kind)?;
    // The entity tag of a user is part of every answer, and the groups are part of the tag.
    let related = kind == Kind::User || projection.shows(call.types.of(kind), render::relation(kind));
    let id = id_of(kind, id)?;
    let mut found = call.one(kind, id, related).await?;
    if found.is_none() && kind == Kind::User && call.provisioner.importing && fetch(call, Sought::Id(id)).await? {
        found = resource::by_id(&call.deps.db, call.tenant(), kind, id, related).await?;
    }
    let found = found.ok_or_else(|| missing(kind))?;
    let answer = render::answer(call, 200, kind, found, &projection);
    let named =
        |tags: &Option<String>| tags.as_ref().zip(answer.etag.as_ref()).map(|(tags, etag)| etag::names(tags, etag));
    if named(&call.request.if_match) == Some(false) {
        return Err(Error::plain(412, "the resource has changed since it was read").into());
    }
    if named(&call.request.if_none_match) == Some(true) {
        return Ok(Answer { etag: answer.etag, ..Answer::empty(304) });
    }
    Ok(answer)
}

pub(crate) async fn create(call: &Call<'_>, body: &Value) -> Outcome {
    let projection = projection(call, Kind::User)?;
    let mut new = document::accept(&call.types.user, body)?;
    call.ignored(ignored::in_body(&call.types.user, body));
    new.entry("active").or_insert(Value::Bool(true));
    if call.provisioner.importing
        && let Some(name) = new.get("userName").and_then(Value::as_str)
    {
        fetch(call, Sought::Name(name)).await?;
    }
    let user = write::create::user(call, &new).await?;
    let location = Some(render::location(call, Kind::User, user.id));
    Ok(Answer { location, ..render::answer(call, 201, Kind::User, user, &projection) })
}

pub(crate) async fn replace(call: &Call<'_>, id: &str, body: &Value) -> Outcome {
    let projection = projection(call, Kind::User)?;
    // Whether it will deactivate is known before the row is read: PUT takes `active` from the body or leaves it.
    let deactivates = document::accept(&call.types.user, body)?.get("active") == Some(&Value::Bool(false));
    call.ignored(ignored::in_body(&call.types.user, body));
    let change = |current: &User| document::replace(&call.types.user, &current.document, body);
    let user = write::user::update(call, id, deactivates, change).await?;
    Ok(render::answer(call, 200, Kind::User, user, &projection))
}

pub(crate) async fn patch(call: &Call<'_>, id: &str, body: &Value) -> Outcome {
    let projection = projection(call, Kind::User)?;
    let patch = patch::parse(body)?;
    call.ignored(patch.ignored(&call.types.user));
    let apply = |current: &Object| {
        patch::apply(&call.types.user, current, &patch, options(call)).map(|applied| applied.document)
    };
    let deactivates = patch.deactivates(&call.types.user);
    let user = write::user::update(call, id, deactivates, |current| apply(&current.document)).await?;
    Ok(render::answer(call, 200, Kind::User, user, &projection))
}

pub(crate) async fn delete(call: &Call<'_>, id: &str) -> Outcome {
    write::user::delete(call, id).await?;
    Ok(Answer::empty(204))
}

pub(crate) fn options(call: &Call<'_>) -> patch::Options {
    patch::Options { create_on_replace: call.is_entra() }
}

pub(crate) fn projection<'a>(call: &Call<'a>, kind: Kind) -> Result<Projection<'a>, Error> {
    let parameter = |name: &str| call.request.parameter(name);
    Projection::parse(call.types.of(kind), parameter("attributes"), parameter("excludedAttributes"))
}

//! `/Groups`: members are rows of their own, changed by deltas; the document holds none.

use directory::group::Committed;
use directory::resource::Kind;
use scim::projection::Projection;
use scim::{Object, ignored, members, patch};
use scim::{document, etag};
use serde_json::Value;

use crate::answer::Answer;
use crate::call::Call;
use crate::render;
use crate::users::{options, projection};
use crate::write::{self, group::Wish};

type Outcome = Result<Answer, Answer>;

/// A larger group is answered without its members unless they are asked for: 204, as Entra recommends.
const LARGE: u64 = 1_000;

pub(crate) async fn create(call: &Call<'_>, body: &Value) -> Outcome {
    let projection = projection(call, Kind::Group)?;
    let mut document = document::accept(&call.types.group, body)?;
    call.ignored(ignored::in_body(&call.types.group, body));
    let members = members::split(&mut document)?;
    let mut made = write::new_group::create(call, document, &members).await?.group;
    if !projection.shows(&call.types.group, "members") {
        made.related.clear();
    }
    let location = Some(render::location(call, Kind::Group, made.id));
    Ok(Answer { location, ..render::answer(call, 201, Kind::Group, made, &projection) })
}

pub(crate) async fn replace(call: &Call<'_>, id: &str, body: &Value) -> Outcome {
    let projection = projection(call, Kind::Group)?;
    let mut document = document::accept(&call.types.group, body)?;
    call.ignored(ignored::in_body(&call.types.group, body));
    let wish = Wish::Exactly(members::split(&mut document)?);
    let replace = |_: &Object| Ok(document.clone());
    let shown = if projection.shows(&call.types.group, "members") { u64::MAX } else { 0 };
    let committed = write::group::update(call, id, shown, &wish, replace).await?;
    Ok(render::answer(call, 200, Kind::Group, committed.group, &projection))
}

pub(crate) async fn patch(call: &Call<'_>, id: &str, body: &Value) -> Outcome {
    let projection = projection(call, Kind::Group)?;
    let patch = patch::parse(body)?;
    call.ignored(patch.ignored(&call.types.group));
    let (rest, membership) = members::divide(&call.types.group, patch, options(call))?;
    let apply = |current: &Object| {
        patch::apply(&call.types.group, current, &rest, options(call)).map(|applied| applied.document)
    };
    let asked = call.request.parameter("attributes").is_some();
    let shown = match (projection.shows(&call.types.group, "members"), asked) {
        (false, _) => 0,
        (true, true) => u64::MAX,
        (true, false) => LARGE,
    };
    let committed = write::group::update(call, id, shown, &Wish::Patch(membership), apply).await?;
    Ok(answer(call, committed, asked, &projection))
}

fn answer(call: &Call<'_>, committed: Committed, asked: bool, projection: &Projection<'_>) -> Answer {
    let whole = projection.shows(&call.types.group, "members");
    if whole && !asked && committed.large {
        return Answer {
            etag: Some(etag::of(committed.group.version, &committed.group.document)),
            ..Answer::empty(204)
        };
    }
    render::answer(call, 200, Kind::Group, committed.group, projection)
}

pub(crate) async fn delete(call: &Call<'_>, id: &str) -> Outcome {
    write::group::delete(call, id).await?;
    Ok(Answer::empty(204))
}

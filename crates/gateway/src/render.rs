//! Resources as answers: document, what relates to it, meta, then what of it the client wants.

use directory::resource::{Kind, Resource};
use scim::document::{self, Meta};
use scim::members::{self, Member};
use scim::projection::Projection;
use scim::schema::ResourceType;
use scim::{Object, members::render_groups};
use serde_json::Value;

use crate::answer::Answer;
use crate::call::Call;

/// What an answer needs to know of other resources to show this one.
pub(crate) fn relation(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "groups",
        Kind::Group => "members",
    }
}

/// Whether an answer needs what relates to a resource: it shows it, or it shows the version of a user, of which the groups are
/// a part whatever else is shown.
pub(crate) fn needs_relation(projection: &Projection<'_>, resource: &ResourceType, kind: Kind) -> bool {
    let has_version = kind == Kind::User && projection.shows(resource, "meta.version");
    has_version || projection.shows(resource, relation(kind))
}

/// A resource with everything it has.
pub(crate) fn whole(call: &Call<'_>, kind: Kind, resource: Resource) -> Object {
    let id = resource.id.to_string();
    let base_url = &call.provisioner.base_url;
    let meta = Meta {
        id: &id,
        created: resource.created_at,
        last_modified: resource.modified_at,
        version: resource.version,
        base_url,
    };
    let mut document = resource.document;
    if !resource.related.is_empty() {
        let ids: Vec<String> = resource.related.iter().map(|(id, _)| id.to_string()).collect();
        let labelled = ids.iter().zip(&resource.related);
        let related = match kind {
            Kind::User => render_groups(labelled.map(|(id, (_, name))| (id.as_str(), name.as_str())), base_url),
            Kind::Group => {
                let member = |(id, (_, kind)): (&String, &(uuid::Uuid, String))| Member {
                    kind: Some(kind.clone()),
                    ..Member::new(id.clone())
                };
                members::render(&labelled.map(member).collect::<Vec<_>>(), base_url)
            }
        };
        document.insert(relation(kind).to_owned(), related);
    }
    document::render(call.types.of(kind), document, &meta)
}

/// An answer with one resource.
pub(crate) fn answer(
    call: &Call<'_>,
    status: u16,
    kind: Kind,
    resource: Resource,
    projection: &Projection<'_>,
) -> Answer {
    let id = Some(resource.id);
    let whole = whole(call, kind, resource);
    let etag = whole["meta"]["version"].as_str().map(str::to_owned);
    let shown = projection.apply(call.types.of(kind), whole);
    Answer { etag, id, ..Answer::json(status, Value::Object(shown)) }
}

/// Where a resource is.
pub(crate) fn location(call: &Call<'_>, kind: Kind, id: uuid::Uuid) -> String {
    format!("{}{}/{id}", call.provisioner.base_url, call.types.of(kind).endpoint)
}

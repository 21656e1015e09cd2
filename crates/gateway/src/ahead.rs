//! What a request is about is known before it is known whose it is: where that is one resource, it is read by the statement
//! that asks for the token.

use actix_web::http::Method;
use directory::ahead::Sought;
use directory::resource::Kind;
use scim::projection::Projection;
use scim::query::Query;
use scim::schema::{GROUP, USER};

use crate::render::{needs_relation, relation};
use crate::request::Request;
use crate::write::given_out;

/// The one resource that a request reads, and whether with what relates to it. A group with its members, however many they
/// are, is not read before it is known whether its tenant may ask now.
pub(crate) fn sought(request: &Request) -> Option<(Sought, bool)> {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return None;
    }
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["Users", id] => Some((Sought::Id(Kind::User, given_out(id)?), true)),
        ["Groups", id] => {
            let id = given_out(id)?;
            (!shows_members(request)?).then_some((Sought::Id(Kind::Group, id), false))
        }
        ["Users"] => {
            let parameters = request.query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let query = Query::of_parameters(&USER, parameters).ok()?;
            Some((user_name(&query)?, needs_relation(&query.projection, &USER, Kind::User)))
        }
        _ => None,
    }
}

/// The user that a query looks up by name.
pub(crate) fn user_name(query: &Query<'_>) -> Option<Sought> {
    let (path, name) = query.filter.as_ref()?.as_equality()?;
    (path == "userName").then(|| Sought::UserName(scim::key::username_key(name)))
}

fn shows_members(request: &Request) -> Option<bool> {
    let (attributes, excluded) = (request.parameter("attributes"), request.parameter("excludedAttributes"));
    Some(Projection::parse(&GROUP, attributes, excluded).ok()?.shows(&GROUP, relation(Kind::Group)))
}

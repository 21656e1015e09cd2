//! Discovery: the same documents for everybody, rendered from the schema registry. They need the token like everything.

use registry::tenant::Provisioner;
use scim::discovery as documents;
use scim::schema::{ResourceType, Schema, USER};
use serde_json::Value;

use crate::answer::Answer;
use crate::request::Request;

type Outcome = Result<Answer, Answer>;

fn types() -> [&'static ResourceType; 1] {
    [&USER]
}

fn all_schemas() -> impl Iterator<Item = &'static Schema> {
    types().into_iter().flat_map(|resource| std::iter::once(resource.schema).chain(resource.extensions.iter().copied()))
}

pub(crate) fn service_provider_config(provisioner: &Provisioner) -> Answer {
    Answer::json(200, documents::service_provider_config(&provisioner.base_url))
}

pub(crate) fn resource_types(provisioner: &Provisioner, request: &Request) -> Outcome {
    refuse_filter(request)?;
    let list: Vec<scim::Object> =
        types().iter().map(|resource| documents::resource_type(resource, &provisioner.base_url)).collect();
    Ok(Answer::json(200, scim::list::response(&list, list.len() as u64, 1)))
}

pub(crate) fn resource_type(provisioner: &Provisioner, name: &str) -> Outcome {
    let found = types().into_iter().find(|resource| resource.name.eq_ignore_ascii_case(name)).ok_or_else(missing)?;
    Ok(Answer::json(200, Value::Object(documents::resource_type(found, &provisioner.base_url))))
}

pub(crate) fn schemas(provisioner: &Provisioner, request: &Request) -> Outcome {
    refuse_filter(request)?;
    let list: Vec<scim::Object> =
        all_schemas().map(|schema| documents::schema(schema, &provisioner.base_url)).collect();
    Ok(Answer::json(200, scim::list::response(&list, list.len() as u64, 1)))
}

pub(crate) fn schema(provisioner: &Provisioner, urn: &str) -> Outcome {
    let found = all_schemas().find(|schema| schema.id.eq_ignore_ascii_case(urn)).ok_or_else(missing)?;
    Ok(Answer::json(200, Value::Object(documents::schema(found, &provisioner.base_url))))
}

/// Discovery takes no filter (RFC 7644 §4).
fn refuse_filter(request: &Request) -> Result<(), Answer> {
    match request.parameter("filter") {
        Some(_) => Err(scim::Error::plain(403, "discovery endpoints take no filter").into()),
        None => Ok(()),
    }
}

fn missing() -> Answer {
    scim::Error::plain(404, "there is no such document").into()
}

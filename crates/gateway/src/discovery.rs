//! Discovery: rendered from the tenant's schema registry. They need the token like everything.

use scim::discovery::{self as documents, Provider};
use scim::schema::Schema;
use serde_json::Value;

use crate::answer::Answer;
use crate::call::Call;

type Outcome = Result<Answer, Answer>;

fn all_schemas<'a>(call: &Call<'a>) -> impl Iterator<Item = &'a Schema> {
    let types = call.types;
    types.all().into_iter().flat_map(scim::schema::ResourceType::schemas)
}

pub(crate) fn service_provider_config(call: &Call<'_>) -> Outcome {
    refuse_filter(call)?;
    Ok(Answer::json(200, documents::service_provider_config(&call.provisioner.base_url, &Provider::default())))
}

pub(crate) fn resource_types(call: &Call<'_>) -> Outcome {
    refuse_filter(call)?;
    let base_url = &call.provisioner.base_url;
    let list: Vec<scim::Object> =
        call.types.all().iter().map(|resource| documents::resource_type(resource, base_url)).collect();
    let total = list.len() as u64;
    Ok(Answer::json(200, scim::list::response(list, total, 1)))
}

pub(crate) fn resource_type(call: &Call<'_>, name: &str) -> Outcome {
    let found = call.types.all().into_iter().find(|resource| resource.name.eq_ignore_ascii_case(name));
    let found = found.ok_or_else(missing)?;
    Ok(Answer::json(200, Value::Object(documents::resource_type(found, &call.provisioner.base_url))))
}

pub(crate) fn schemas(call: &Call<'_>) -> Outcome {
    refuse_filter(call)?;
    let base_url = &call.provisioner.base_url;
    let list: Vec<scim::Object> = all_schemas(call).map(|schema| documents::schema(schema, base_url)).collect();
    let total = list.len() as u64;
    Ok(Answer::json(200, scim::list::response(list, total, 1)))
}

pub(crate) fn schema(call: &Call<'_>, urn: &str) -> Outcome {
    let found = all_schemas(call).find(|schema| schema.id.eq_ignore_ascii_case(urn)).ok_or_else(missing)?;
    Ok(Answer::json(200, Value::Object(documents::schema(found, &call.provisioner.base_url))))
}

/// Discovery takes no filter (RFC 7644 §4).
fn refuse_filter(call: &Call<'_>) -> Result<(), Answer> {
    match call.request.parameter("filter") {
        Some(_) => Err(scim::Error::plain(403, "discovery endpoints take no filter").into()),
        None => Ok(()),
    }
}

fn missing() -> Answer {
    scim::Error::plain(404, "there is no such document").into()
}

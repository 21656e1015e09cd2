//! The OpenAPI document, generated from the handlers, and a page that shows it without any foreign asset.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::error::Body;
use crate::{
    activity, backfill, described, held, identity_sync, inbound, outbound, parked, realm_users, tenants, test_user,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "kevra-scim control API", description = "Identity sync (SCIM 2.0) of tenants' realms."),
    paths(
        tenants::list, tenants::create, tenants::show, tenants::change, tenants::delete,
        identity_sync::show, activity::list, activity::stream,
        inbound::enable, inbound::rotate, inbound::disable, inbound::options,
        outbound::enable, outbound::test, outbound::disable, outbound::options, test_user::run,
        held::confirm_deactivations, held::refuse_deactivations, held::confirm_absences,
        held::confirm_groups,
        parked::list, parked::show, parked::retry, parked::ignore, parked::link_to,
        backfill::show, backfill::start, backfill::pause, backfill::resume, backfill::cancel,
        realm_users::list, realm_users::create, realm_users::change, realm_users::rotate_secret,
    ),
    components(schemas(Body)),
    modifiers(&Bearer, &Common)
)]
struct Api;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// What holds for every operation: a name of its own, and what it refuses with.
struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let refused =
            ResponseBuilder::new().description("Refused").content("application/problem+json", problem).build();
        for item in document.paths.paths.values_mut() {
            let methods = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
            for operation in methods.into_iter().flatten() {
                let noun = operation.tags.iter().flatten().next().map(|tag| tag.replace('-', "_"));
                let verb = operation.operation_id.take();
                operation.operation_id = noun.zip(verb).map(|(noun, verb)| format!("{noun}_{verb}"));
                // What is told of a status beside its number is in the problem.
                operation.responses.responses.retain(|status, _| status.starts_with('2'));
                operation.responses.responses.insert("default".to_owned(), refused.clone().into());
            }
        }
    }
}

/// The document as JSON text.
pub fn document() -> String {
    let mut document = Api::openapi();
    described::complete(&mut document);
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

pub(crate) async fn json() -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(document())
}

/// A list of operations; the JSON beside it is the reference.
pub(crate) async fn page() -> HttpResponse {
    let mut rows = String::new();
    for (path, item) in &Api::openapi().paths.paths {
        let operations = [
            ("GET", &item.get),
            ("POST", &item.post),
            ("PUT", &item.put),
            ("PATCH", &item.patch),
            ("DELETE", &item.delete),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else { continue };
            let summary = operation.summary.as_deref().unwrap_or_default();
            let cells = [method, "</td><td><code>", path, "</code></td><td>", summary].concat();
            rows.push_str(&["<tr><td>", &cells, "</td></tr>\n"].concat());
        }
    }
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>kevra-scim control API</title>\
         <style>body{{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}}\
         td{{padding:.3rem .8rem .3rem 0;vertical-align:top}}</style>\
         <h1>kevra-scim control API</h1><p>Send <code>Authorization: Bearer &lt;JWT&gt;</code>. \
         The document: <a href=\"/docs/api/openapi.json\">openapi.json</a>.</p><table>\n{rows}</table></html>"
    );
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"))
        .body(page)
}

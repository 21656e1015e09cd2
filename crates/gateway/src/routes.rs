//! The whole URL space of the gateway, on one screen, below `/realms/{realm}/scim/v2`.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use registry::TenantId;
use registry::tenant::Provisioner;
use serde_json::Value;
use tracing::Instrument;

use crate::answer::Answer;
use crate::observe::Observed;
use crate::provisioner::Refused;
use crate::request::Request;
use crate::{Deps, Gateway, discovery, provisioner, request, users};

/// Every request there is: authenticated first, then its body read, then worked on.
pub(crate) async fn entry(http: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    let mut request = match Request::read(&http, &gateway.config) {
        Ok(request) => request,
        Err(error) => {
            Observed::begin(http.method().as_str(), None).end(error.status, None, None);
            return Answer::from(error).into_http(false);
        }
    };
    let (plain_json, head) = (request.plain_json, request.method == Method::HEAD);
    let observed = Observed::begin(http.method().as_str(), Some(&mut request));
    let answer = match serve(request, payload, &gateway).instrument(observed.span()).await {
        Ok((answer, tenant)) => {
            observed.end(answer.status, tenant, None);
            answer
        }
        Err(refused) => {
            observed.end(401, None, Some(&refused));
            provisioner::unauthorized()
        }
    };
    if head { Answer { body: None, ..answer }.into_http(plain_json) } else { answer.into_http(plain_json) }
}

/// The answer and whose request it was, or why its credentials are refused.
async fn serve(
    request: Request,
    payload: web::Payload,
    gateway: &web::Data<Gateway>,
) -> Result<(Answer, Option<TenantId>), Refused> {
    let deps = gateway.deps.clone();
    let (request, provisioner) = {
        let db = deps.db.clone();
        let identified = async move {
            let provisioner = provisioner::of(&db, &request).await;
            (request, provisioner)
        };
        match deps.runtime.spawn(identified.in_current_span()).await {
            Ok((request, Ok(Ok(provisioner)))) => (request, provisioner),
            Ok((_, Ok(Err(refused)))) => return Err(refused),
            Ok((_, Err(answer))) => return Ok((answer, None)),
            Err(_) => return Ok((failed(), None)),
        }
    };
    let tenant = Some(provisioner.tenant);
    if let Err(seconds) = gateway.limits.take(provisioner.tenant, provisioner.requests_per_second) {
        return Ok((Answer::too_many(seconds), tenant));
    }
    let body = if matches!(request.method, Method::POST | Method::PUT | Method::PATCH) && takes_body(&request) {
        match request::body(request.content_type.as_deref(), payload, &gateway.config).await {
            Ok(body) => body,
            Err(error) => return Ok((error.into(), tenant)),
        }
    } else {
        Value::Null
    };
    let deadline = gateway.config.deadline;
    let work = async move { dispatch(&deps, &provisioner, &request, body).await };
    // The deadline answers; it does not stop the work half-way (a saga must end).
    let working = gateway.deps.runtime.spawn(work.in_current_span());
    let answer = match tokio::time::timeout(deadline, working).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => failed(),
        Err(_) => Answer::unavailable(),
    };
    Ok((answer, tenant))
}

fn failed() -> Answer {
    scim::Error::plain(500, "something went wrong on our side").into()
}

fn takes_body(request: &Request) -> bool {
    matches!(request.segments.first().map(String::as_str), Some("Users")) && request.segments.len() <= 2
}

async fn dispatch(deps: &Deps, provisioner: &Provisioner, request: &Request, body: Value) -> Answer {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let read = matches!(request.method, Method::GET | Method::HEAD);
    let outcome = match (segments.as_slice(), &request.method) {
        (["ServiceProviderConfig"], _) if read => Ok(discovery::service_provider_config(provisioner)),
        (["ResourceTypes"], _) if read => discovery::resource_types(provisioner, request),
        (["ResourceTypes", name], _) if read => discovery::resource_type(provisioner, name),
        (["Schemas"], _) if read => discovery::schemas(provisioner, request),
        (["Schemas", urn], _) if read => discovery::schema(provisioner, urn),
        (["ServiceProviderConfig" | "ResourceTypes" | "Schemas"] | ["ResourceTypes" | "Schemas", _], _) => {
            Ok(Answer::not_allowed("GET"))
        }

        (["Users"], _) if read => users::list(deps, provisioner, request).await,
        (["Users"], &Method::POST) => users::create(deps, provisioner, request, &body).await,
        (["Users"], _) => Ok(Answer::not_allowed("GET, POST")),
        (["Users", id], _) if read => users::read(deps, provisioner, request, id).await,
        (["Users", id], &Method::PUT) => users::replace(deps, provisioner, request, id, &body).await,
        (["Users", id], &Method::PATCH) => users::patch(deps, provisioner, request, id, &body).await,
        (["Users", id], &Method::DELETE) => users::delete(deps, provisioner, request, id).await,
        (["Users", _], _) => Ok(Answer::not_allowed("GET, PUT, PATCH, DELETE")),

        (["Me"], _) => Err(scim::Error::plain(501, "there is no /Me for a provisioning token").into()),
        (["Bulk"], _) => Err(scim::Error::plain(501, "bulk is not supported").into()),
        _ => Err(scim::Error::plain(404, "there is nothing here").into()),
    };
    outcome.unwrap_or_else(|answer| answer)
}

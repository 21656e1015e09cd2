//! The whole URL space of the gateway, on one screen, below `/realms/{realm}/scim/v2`.

use std::time::Instant;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use registry::tenant::Provisioner;
use serde_json::Value;

use crate::answer::Answer;
use crate::request::Request;
use crate::{Deps, Gateway, discovery, provisioner, request, users};

/// Every request there is: authenticated first, then its body read, then worked on.
pub(crate) async fn entry(http: HttpRequest, payload: web::Payload, gateway: web::Data<Gateway>) -> HttpResponse {
    let started = Instant::now();
    let request = match Request::read(&http, &gateway.config) {
        Ok(request) => request,
        Err(error) => return Answer::from(error).into_http(false),
    };
    let plain_json = request.plain_json;
    let head = request.method == Method::HEAD;
    let operation = provisioner::template(&request.segments);
    let method = request.method.clone();
    let trace = request.traceparent.clone();
    let (answer, tenant) = serve(request, payload, &gateway).await;
    tracing::info!(
        name = "inbound.request",
        tenant.id = ?tenant,
        method = %method,
        path = operation,
        http.status = answer.status,
        duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        traceparent = trace,
    );
    if head { Answer { body: None, ..answer }.into_http(plain_json) } else { answer.into_http(plain_json) }
}

async fn serve(
    request: Request,
    payload: web::Payload,
    gateway: &web::Data<Gateway>,
) -> (Answer, Option<registry::TenantId>) {
    let deps = gateway.deps.clone();
    let (request, provisioner) = {
        let db = deps.db.clone();
        let identified = deps.runtime.spawn(async move {
            let provisioner = provisioner::of(&db, &request).await;
            (request, provisioner)
        });
        match identified.await {
            Ok((request, Ok(provisioner))) => (request, provisioner),
            Ok((_, Err(answer))) => return (answer, None),
            Err(_) => return (failed(), None),
        }
    };
    let tenant = Some(provisioner.tenant);
    let body = if matches!(request.method, Method::POST | Method::PUT | Method::PATCH) && takes_body(&request) {
        match request::body(request.content_type.as_deref(), payload, &gateway.config).await {
            Ok(body) => body,
            Err(error) => return (error.into(), tenant),
        }
    } else {
        Value::Null
    };
    let deadline = gateway.config.deadline;
    let working = gateway.deps.runtime.spawn(async move {
        let work = dispatch(&deps, &provisioner, &request, body);
        // The deadline answers; it does not stop the work half-way (a saga must end).
        work.await
    });
    match tokio::time::timeout(deadline, working).await {
        Ok(Ok(answer)) => (answer, tenant),
        Ok(Err(_)) => (failed(), tenant),
        Err(_) => (Answer::unavailable(), tenant),
    }
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

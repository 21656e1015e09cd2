//! `/console/`: a placeholder page with the real labels until the bundle is built, and the demo's sign-in.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use serde::Deserialize;

use crate::{Control, Problem};

const PAGE: &str = include_str!("../../../console/placeholder.html");
const POLICY: &str = "default-src 'none'; script-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

pub(crate) async fn page() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header(("x-content-type-options", "nosniff"))
        .body(PAGE)
}

/// A one-time sign-in code of the demo.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Code {
    code: String,
}

/// Changes a one-time code into a short-lived token; in the demo only.
pub(crate) async fn session(body: web::Json<Code>, control: web::Data<Control>) -> Result<HttpResponse, Problem> {
    let demo = control.config.demo.as_ref().ok_or(Problem::NotFound("endpoint"))?;
    let token = control.deps.realms.redeem(&body.code).ok_or(Problem::Unauthorized)?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(serde_json::json!({ "token": token, "downstream_url": demo.downstream_url })))
}

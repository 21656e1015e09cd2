//! `/console/`: a placeholder page with the real labels until the bundle is built, and the demo's sign-in.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

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
    if control.config.demo.is_none() {
        return Err(Problem::NotFound("endpoint"));
    }
    let token = control.deps.realms.redeem(&body.code).ok_or(Problem::Unauthorized)?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(serde_json::json!({ "token": token })))
}

/// What the page begins with: in the demo, the downstream to fill its form with.
#[derive(Serialize)]
struct PageConfig<'a> {
    demo: bool,
    downstream_url: Option<&'a str>,
    downstream_token: Option<&'a str>,
}

pub(crate) async fn config(control: web::Data<Control>) -> HttpResponse {
    let demo = control.config.demo.as_ref();
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(PageConfig {
        demo: demo.is_some(),
        downstream_url: demo.map(|demo| demo.downstream_url.as_str()),
        downstream_token: demo.map(|demo| demo.downstream_token.expose_secret()),
    })
}

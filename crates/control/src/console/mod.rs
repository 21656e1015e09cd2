//! `/console/`: the built console's files, what its page begins with, and the demo's sign-in.

mod bundle;
mod files;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, web};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::operator::Bearer;
use crate::{Control, Problem};

pub use bundle::Bundle;
pub(crate) use files::serve;

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

/// Gives whoever holds a token a code to sign in with elsewhere, once; in the demo only.
pub(crate) async fn code(bearer: Bearer, control: web::Data<Control>) -> Result<HttpResponse, Problem> {
    let code = control.deps.realms.offer(&bearer.0).ok_or(Problem::NotFound("endpoint"))?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(serde_json::json!({ "code": code })))
}

/// What the page begins with: where to ask for help, and in the demo the downstream to fill its form with.
#[derive(Serialize)]
struct PageConfig<'a> {
    demo: bool,
    support_url: Option<&'a str>,
    downstream_url: Option<&'a str>,
    downstream_token: Option<&'a str>,
}

pub(crate) async fn config(control: web::Data<Control>) -> HttpResponse {
    let demo = control.config.demo.as_ref();
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(PageConfig {
        demo: demo.is_some(),
        support_url: control.config.support_url.as_deref(),
        downstream_url: demo.map(|demo| demo.downstream_url.as_str()),
        downstream_token: demo.map(|demo| demo.downstream_token.expose_secret()),
    })
}

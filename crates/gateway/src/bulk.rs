//! `/Bulk` (RFC 7644 §3.7): the plan is pure, each step is the same call a client would have made, with its own claim on
//! the token (K1).

use actix_web::http::Method as HttpMethod;
use scim::Error;
use scim::bulk::{self, Method, Outcome, Step};
use serde_json::Value;

use crate::answer::Answer;
use crate::call::Call;
use crate::request::Request;
use crate::routes;

pub(crate) async fn run(call: &Call<'_>, body: &Value) -> Result<Answer, Answer> {
    let mut plan = bulk::parse(body)?;
    while let Some(step) = plan.next_step() {
        plan.done(done(call, step).await);
    }
    Ok(Answer::json(200, plan.response(&call.provisioner.base_url)))
}

async fn done(call: &Call<'_>, step: Step) -> Outcome {
    // No bulk in a bulk, and no search: what is done here has an id.
    if !matches!(step.endpoint.as_str(), "/Users" | "/Groups") {
        return Outcome::Failed(Error::plain(404, "a bulk request writes users and groups"));
    }
    let method = match step.method {
        Method::Post => HttpMethod::POST,
        Method::Put => HttpMethod::PUT,
        Method::Patch => HttpMethod::PATCH,
        Method::Delete => HttpMethod::DELETE,
    };
    let segments = std::iter::once(step.endpoint.trim_start_matches('/').to_owned()).chain(step.id.clone()).collect();
    let request = Request { if_match: step.version.clone(), ..call.request.step(method, segments) };
    let body = step.data.unwrap_or_default();
    let answer = Box::pin(routes::dispatch(&Call { request: &request, ..*call }, &body)).await;
    if (200..300).contains(&answer.status) {
        let id = step.id.or_else(|| answer.id.map(|id| id.to_string()));
        return Outcome::Done { status: answer.status, id, version: answer.etag };
    }
    Outcome::Failed(answer.error.unwrap_or_else(|| Error::plain(answer.status, "the operation was not done")))
}

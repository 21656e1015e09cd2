//! `/Bulk` (RFC 7644 §3.7): the plan is pure, each step is the same call a client would have made, with its own claim on
//! the token (K1).

use actix_web::http::Method as HttpMethod;
use scim::Error;
use scim::bulk::{self, Method, Outcome, Plan, Step};
use serde_json::Value;

use tokio::time::{Duration, Instant};

use crate::answer::Answer;
use crate::call::Call;
use crate::request::Request;
use crate::routes;

/// For how long operations begin. With the one that is under way then, the answer comes before the request's deadline: whoever
/// is told nothing repeats all of it.
const TIME: Duration = Duration::from_secs(35);

pub(crate) async fn run(call: &Call<'_>, body: &Value) -> Result<Answer, Answer> {
    let mut plan = bulk::parse(body)?;
    carry_out(&mut plan, Instant::now() + TIME, |step| done(call, step)).await;
    Ok(Answer::json(200, plan.response(&call.provisioner.base_url)))
}

/// Step by step, for as long as there is time.
async fn carry_out<F: Future<Output = Outcome>>(plan: &mut Plan, until: Instant, work: impl Fn(Step) -> F) {
    while let Some(step) = plan.next_step() {
        let outcome = if Instant::now() < until {
            work(step).await
        } else {
            Outcome::Failed(Error::plain(503, "there was no time left for this operation; send it again"))
        };
        plan.done(outcome);
    }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_there_was_no_time_for_is_told_so_beside_what_was_done() {
        let post = |name: u32| json!({ "method": "POST", "path": "/Users", "bulkId": name.to_string(), "data": {} });
        let body = json!({ "Operations": (0..5).map(post).collect::<Vec<_>>() });
        let mut plan = bulk::parse(&body).unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        carry_out(&mut plan, until, |_| async {
            tokio::time::advance(Duration::from_secs(8)).await;
            Outcome::Done { status: 201, id: Some("an-id".to_owned()), version: None }
        })
        .await;
        let answer = plan.response("https://x.test/scim/v2");
        let status = |operation: &Value| operation["status"].as_str().unwrap().to_owned();
        let told: Vec<String> = answer["Operations"].as_array().unwrap().iter().map(status).collect();
        assert_eq!(told, ["201", "201", "201", "503", "503"]);
    }
}

//! What Keycloak answers, read and understood.

use reqwest::{Method, Response, StatusCode};
use serde_json::Value;

use crate::Error;

/// The largest answer read.
const MAX_ANSWER: usize = 16 << 20;

/// An answer, read.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub location: Option<String>,
    pub date_ms: Option<i64>,
    pub body: Value,
}

pub(super) async fn read(mut response: Response) -> Result<Answer, reqwest::Error> {
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let location = header("location");
    let date_ms = header("date")
        .and_then(|date| chrono::DateTime::parse_from_rfc2822(&date).ok())
        .map(|date| date.timestamp_millis());
    let status = response.status();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_ANSWER {
            bytes.clear();
            break;
        }
    }
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Ok(Answer { status, location, date_ms, body })
}

/// No answer: refused connections did nothing for sure; whatever else befalls a write leaves it in doubt (K5).
pub(super) fn classify(error: &reqwest::Error, method: &Method) -> Error {
    if error.is_connect() || *method == Method::GET { Error::Unavailable } else { Error::Ambiguous }
}

pub(super) fn judge(answer: Answer, method: &Method) -> Result<Answer, Error> {
    if answer.status.is_success() { Ok(answer) } else { Err(judged(&answer, method)) }
}

/// What an answer that is no success means.
pub(super) fn judged(answer: &Answer, method: &Method) -> Error {
    match answer.status.as_u16() {
        400 => rejected(&answer.body),
        401 | 403 => Error::Refused,
        404 => {
            let text = text_of(&answer.body);
            // Only Keycloak's own words mean that a user or group is gone (K14); a realm or route that is missing does not.
            let gone = ["User not found", "Could not find user", "Group not found", "Could not find group"];
            if gone.iter().any(|words| text.contains(words)) { Error::NotFound } else { Error::RealmGone }
        }
        409 => conflict(&answer.body),
        _ if *method == Method::GET => Error::Unavailable,
        // A 503 too: it may be a proxy's, of a connection that broke after the write had gone through (K5).
        _ => Error::Ambiguous,
    }
}

fn text_of(body: &Value) -> &str {
    body.get("errorMessage").or_else(|| body.get("error")).and_then(Value::as_str).unwrap_or_default()
}

/// What is taken, where Keycloak says so. A write that lost a race is a 409 too, in words that do not tell who won it
/// ("Duplicate resource error", "conflict", "same username or email"): whether anybody has the value is not known by that.
fn conflict(body: &Value) -> Error {
    let text = text_of(body);
    if !text.contains("exist") || text.contains("username or email") {
        return Error::Contended;
    }
    let attribute = if text.contains("group named") {
        "displayName"
    } else if text.contains("email") && !text.contains("username") {
        "emails"
    } else {
        "userName"
    };
    Error::Conflict { attribute }
}

/// The field and the message key; `params` may hold the value and stay behind.
fn rejected(body: &Value) -> Error {
    let first = body.get("errors").and_then(|errors| errors.get(0)).unwrap_or(body);
    let attribute = match first.get("field").and_then(Value::as_str) {
        Some("username") => "userName",
        Some("email") => "emails",
        Some("firstName") => "name.givenName",
        Some("lastName") => "name.familyName",
        Some("scimExternalId") => "externalId",
        // An attribute of the realm's own profile goes by its own name.
        Some(other) if other.len() <= 80 && other.bytes().all(|byte| byte.is_ascii_graphic()) => other,
        _ => "the resource",
    };
    let detail: String = text_of(first).chars().filter(|c| !c.is_control()).take(120).collect();
    Error::Rejected { attribute: attribute.to_owned(), detail }
}

//! Every way a call can end.

use std::time::Duration;

use serde_json::Value;

/// The longest wait a downstream may ask for.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// An answer, read.
#[derive(Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Its media type.
    pub content_type: Option<String>,
    /// `Retry-After` as sent.
    pub retry_after: Option<String>,
    /// `Location` as sent.
    pub location: Option<String>,
    /// The body, if it is a JSON object.
    pub body: Option<Value>,
    /// The beginning of the body, if it is plain text.
    pub text: Option<String>,
}

impl Answer {
    /// Whether the body is a SCIM error (RFC 7644 §3.12).
    fn is_error(&self) -> bool {
        let schemas = self.body.as_ref().and_then(|body| body.get("schemas")).and_then(Value::as_array);
        schemas.into_iter().flatten().any(|schema| schema.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(ERROR)))
    }

    /// The status that the body tells, a text by the RFC and a number with some.
    fn told_status(&self) -> Option<u16> {
        match self.body.as_ref()?.get("status")? {
            Value::String(text) => text.parse().ok(),
            number => number.as_u64().and_then(|status| u16::try_from(status).ok()),
        }
    }
}

const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

impl std::fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// How a call ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// 2xx with a JSON object, or without a body.
    Ok(Answer),
    /// 2xx with something else: a web page, most likely.
    NotScim(Answer),
    /// 404.
    NotFound(Answer),
    /// 409.
    Conflict(Answer),
    /// 401 or 403.
    Unauthorized(Answer),
    /// 429, or 503 with `Retry-After`.
    Throttled(Answer, Option<Duration>),
    /// 400, 413, 422 and other refusals of the request itself.
    Rejected(Answer),
    /// 408, 425, 5xx, and redirects, which are never followed.
    Failed(Answer),
    /// A write whose fate is unknown.
    Ambiguous,
    /// Nobody answers there.
    Unreachable,
    /// No answer in time, to a read or a connection.
    TimedOut,
    /// TLS could not be established or verified.
    Tls,
    /// An address we do not dial.
    Blocked,
}

impl Outcome {
    pub(crate) fn of(mut answer: Answer) -> Self {
        // A refusal in an answer that says "fine" is a refusal; without a status of its own it may be anything.
        if answer.status < 300 && answer.is_error() {
            answer.status = answer.told_status().filter(|status| (400..600).contains(status)).unwrap_or(500);
        }
        match answer.status {
            200..=299 if answer.body.is_some() || answer.status == 204 => Self::Ok(answer),
            // An empty body is fine for a PATCH that says 200; a page is not.
            200..=299 if answer.content_type.as_deref().is_none_or(|media| media.contains("json")) => Self::Ok(answer),
            200..=299 => Self::NotScim(answer),
            401 | 403 => Self::Unauthorized(answer),
            404 => Self::NotFound(answer),
            409 => Self::Conflict(answer),
            429 => {
                let wait = wait(&answer);
                Self::Throttled(answer, wait)
            }
            503 if answer.retry_after.is_some() => {
                let wait = wait(&answer);
                Self::Throttled(answer, wait)
            }
            408 | 425 | 500..=599 | 300..=399 => Self::Failed(answer),
            _ => Self::Rejected(answer),
        }
    }

    /// The answer, if there was one.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Ok(answer)
            | Self::NotScim(answer)
            | Self::NotFound(answer)
            | Self::Conflict(answer)
            | Self::Unauthorized(answer)
            | Self::Throttled(answer, _)
            | Self::Rejected(answer)
            | Self::Failed(answer) => Some(answer),
            Self::Ambiguous | Self::Unreachable | Self::TimedOut | Self::Tls | Self::Blocked => None,
        }
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        self.answer().map(|answer| answer.status)
    }

    /// Whether it says for sure that nothing was done: a refusal, or nobody there to do it (K21).
    pub fn did_nothing(&self) -> bool {
        match self {
            Self::Throttled(answer, _) => answer.status == 429,
            Self::NotFound(_)
            | Self::Conflict(_)
            | Self::Unauthorized(_)
            | Self::Rejected(_)
            | Self::Unreachable
            | Self::TimedOut
            | Self::Tls
            | Self::Blocked => true,
            Self::Ok(_) | Self::NotScim(_) | Self::Failed(_) | Self::Ambiguous => false,
        }
    }

    /// A stable class name, for logs and activity.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Ok(_) => "ok",
            Self::NotScim(_) => "not_scim",
            Self::NotFound(_) => "not_found",
            Self::Conflict(_) => "conflict",
            Self::Unauthorized(_) => "unauthorized",
            Self::Throttled(..) => "throttled",
            Self::Rejected(_) => "rejected",
            Self::Failed(_) => "failed",
            Self::Ambiguous => "ambiguous",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timeout",
            Self::Tls => "tls",
            Self::Blocked => "address_blocked",
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "an HTTP date is read by the clock of this moment")]
fn wait(answer: &Answer) -> Option<Duration> {
    retry_after(answer.retry_after.as_deref()?, chrono::Utc::now())
}

/// `Retry-After` in both of its forms, seconds and HTTP date; at most a day.
pub fn retry_after(text: &str, now: chrono::DateTime<chrono::Utc>) -> Option<Duration> {
    let wait = match text.trim().parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = chrono::DateTime::parse_from_rfc2822(text.trim()).ok()?;
            until.signed_duration_since(now).to_std().unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms_and_bounded() {
        let now = chrono::DateTime::parse_from_rfc3339("2026-11-24T10:00:00Z").unwrap().to_utc();
        assert_eq!(retry_after("120", now), Some(Duration::from_mins(2)));
        assert_eq!(retry_after("Tue, 24 Nov 2026 10:00:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after("Tue, 24 Nov 2026 09:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("99999999999", now), Some(LONGEST_WAIT));
        assert_eq!(retry_after("soon", now), None);
    }

    #[test]
    fn every_status_has_its_class() {
        let class = |status: u16, media: &str, body: Option<Value>| {
            let content_type = Some(media.to_owned());
            Outcome::of(Answer { status, content_type, retry_after: None, location: None, body, text: None }).class()
        };
        let json = || Some(serde_json::json!({}));
        assert_eq!(class(200, "application/scim+json", json()), "ok");
        assert_eq!(class(204, "", None), "ok");
        assert_eq!(class(200, "text/html", None), "not_scim");
        assert_eq!(class(302, "text/html", None), "failed");
        let error = |status: Value| {
            Some(serde_json::json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status }))
        };
        for (told, wanted) in [("400".into(), "rejected"), (409.into(), "conflict"), ("".into(), "failed")] {
            assert_eq!(class(200, "application/scim+json", error(told)), wanted);
        }
        for (status, wanted) in [
            (400, "rejected"),
            (401, "unauthorized"),
            (403, "unauthorized"),
            (404, "not_found"),
            (408, "failed"),
            (409, "conflict"),
            (413, "rejected"),
            (422, "rejected"),
            (429, "throttled"),
            (500, "failed"),
            (503, "failed"),
        ] {
            assert_eq!(class(status, "application/scim+json", json()), wanted, "{status}");
        }
    }
}

//! Problems (RFC 9457) with stable codes: the console chooses its words by `code`, never by the text.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use downstream::{ProbeCode, ProbeFailure, UrlFault};
use serde::Serialize;

/// Everything the control API refuses with.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Problem {
    /// No usable token.
    #[error("a valid bearer token is needed")]
    Unauthorized,
    /// A token without this right.
    #[error("the token lacks the scope {0}")]
    Forbidden(&'static str),
    /// No such thing, or not this operator's.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The method is not for this endpoint.
    #[error("this endpoint does not take that method")]
    MethodNotAllowed,
    /// The body or a parameter does not have its form.
    #[error("{0}")]
    Invalid(String),
    /// A field has a value that cannot be used.
    #[error("{field}: {reason}")]
    Field {
        /// The field.
        field: &'static str,
        /// Why.
        reason: String,
    },
    /// A downstream's base URL that cannot be used.
    #[error("base_url: {0}")]
    BaseUrl(UrlFault),
    /// A unique value is taken.
    #[error("this {0} is taken")]
    Taken(&'static str),
    /// The direction is on.
    #[error("it is already enabled")]
    AlreadyEnabled,
    /// The direction is off.
    #[error("it is not enabled")]
    NotEnabled,
    /// Somebody else changed the configuration first.
    #[error("the configuration has changed since it was read")]
    Stale,
    /// The record a person saw is not the one that is there now.
    #[error("the record has changed since it was shown")]
    Changed,
    /// One is running or paused.
    #[error("one is running already")]
    AlreadyRunning,
    /// The downstream does not answer as it should.
    #[error("the downstream did not answer: {class}")]
    Downstream {
        /// How.
        class: &'static str,
        /// Its HTTP status, if there was one.
        status: Option<u16>,
    },
    /// The downstream failed its probe.
    #[error("the downstream did not pass the check")]
    Probe(ProbeFailure),
    /// The realm refuses or is not there.
    #[error("the realm could not be set up: {0}")]
    Realm(String),
    /// Both directions of a tenant that was to be removed are off, and its realm's event stores are not as they were.
    #[error(
        "both directions are off, but the realm's event stores cannot be put back: {reason}; try again, or leave the realm \
         as it is (leave_realm)"
    )]
    EventsKept {
        /// Why.
        reason: String,
        /// It may be otherwise in a while.
        passing: bool,
    },
    /// A tenant that was to stand still did not come to.
    #[error("work of this tenant did not end; nothing was changed")]
    Busy,
    /// A service behind us does not answer.
    #[error("the service is not available right now; try again")]
    Unavailable,
    /// A fault of ours.
    #[error("something went wrong on our side")]
    Internal,
}

impl Problem {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound(_) => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Invalid(_) => "invalid_request",
            Self::Field { .. } | Self::BaseUrl(_) => "invalid_field",
            Self::Taken(_) => "taken",
            Self::AlreadyEnabled => "already_enabled",
            Self::NotEnabled => "not_enabled",
            Self::Stale | Self::Changed => "stale",
            Self::AlreadyRunning => "already_running",
            Self::Downstream { class: "unauthorized", .. } => "downstream_unauthorized",
            Self::Downstream { class: "not_found", .. } => "downstream_not_found",
            Self::Downstream { class: "tls", .. } => "downstream_tls",
            Self::Downstream { class: "timeout" | "ambiguous", .. } => "downstream_timeout",
            Self::Downstream { class: "unreachable", .. } => "downstream_unreachable",
            Self::Downstream { class: "address_blocked", .. } => "address_blocked",
            Self::Downstream { .. } => "downstream_not_scim",
            Self::Probe(failure) => failure.code.as_str(),
            Self::Realm(_) | Self::EventsKept { passing: false, .. } => "realm_refused",
            Self::Unavailable | Self::Busy | Self::EventsKept { .. } => "unavailable",
            Self::Internal => "internal",
        }
    }

    pub(crate) fn body(&self) -> Body {
        let status = self.status_code();
        Body {
            about: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            code: self.code(),
            detail: self.to_string(),
            field: match self {
                Self::Field { field, .. } => Some(field),
                Self::BaseUrl(_) => Some("base_url"),
                _ => None,
            },
            part: match self {
                Self::BaseUrl(fault) => Some(fault.part()),
                _ => None,
            },
            probe: match self {
                Self::Probe(failure) => Some(Probe {
                    url: Some(failure.url.clone()),
                    status: failure.status,
                    content_type: failure.content_type.clone(),
                    // An address that is not called was not asked: how long it took to see that tells of the network alone.
                    elapsed_ms: (failure.code != ProbeCode::AddressBlocked).then_some(failure.elapsed_ms),
                }),
                Self::Downstream { status: Some(status), .. } => {
                    Some(Probe { status: Some(*status), ..Probe::default() })
                }
                _ => None,
            },
        }
    }
}

/// A refusal, in the form of RFC 9457.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Body {
    /// Always `about:blank`: the code says which problem it is.
    #[serde(rename = "type")]
    about: &'static str,
    title: &'static str,
    status: u16,
    /// Stable: clients choose their words by it, never by the text.
    code: &'static str,
    detail: String,
    /// The field that is meant, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    /// Of a URL, the part that cannot be used: `scheme`, `host`, `port` and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'static str>,
    /// How the downstream answered, if it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    probe: Option<Probe>,
}

/// The answer of a downstream that was probed.
#[derive(Default, Serialize, utoipa::ToSchema)]
struct Probe {
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    status: Option<u16>,
    content_type: Option<String>,
    /// How long the call took, milliseconds; left out where none was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    elapsed_ms: Option<u64>,
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Invalid(_) | Self::Field { .. } | Self::BaseUrl(_) => StatusCode::BAD_REQUEST,
            Self::Taken(_) | Self::AlreadyEnabled | Self::NotEnabled | Self::Changed | Self::AlreadyRunning => {
                StatusCode::CONFLICT
            }
            Self::Stale => StatusCode::PRECONDITION_FAILED,
            Self::Probe(_) | Self::Downstream { .. } | Self::Realm(_) | Self::EventsKept { passing: false, .. } => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::Unavailable | Self::Busy | Self::EventsKept { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        response.insert_header((CACHE_CONTROL, "no-store"));
        response.insert_header(("x-content-type-options", "nosniff"));
        if matches!(self, Self::Unauthorized) {
            response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        if self.status_code() == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((RETRY_AFTER, "5"));
        }
        response.json(self.body())
    }
}

impl From<registry::Error> for Problem {
    fn from(error: registry::Error) -> Self {
        match error {
            registry::Error::NotFound(what) => Self::NotFound(what),
            registry::Error::Taken(what) => Self::Taken(what),
            registry::Error::AlreadyEnabled => Self::AlreadyEnabled,
            registry::Error::NotEnabled => Self::NotEnabled,
            registry::Error::Stale => Self::Stale,
            registry::Error::Inconsistent(_) | registry::Error::Seal(_) => {
                tracing::error!(name = "registry.broken", %error, "what is stored does not hold together");
                Self::Internal
            }
            registry::Error::Unavailable(_) => {
                tracing::warn!(name = "registry.failed", %error, "the registry could not be read or written");
                Self::Unavailable
            }
        }
    }
}

impl From<directory::Error> for Problem {
    fn from(error: directory::Error) -> Self {
        match error {
            directory::Error::Taken(what) => Self::Taken(what),
            directory::Error::Circle | directory::Error::Inconsistent(_) => Self::Internal,
            directory::Error::Unavailable(_) => Self::Unavailable,
        }
    }
}

impl From<realm::Error> for Problem {
    fn from(error: realm::Error) -> Self {
        match error {
            realm::Error::NotFound => Self::NotFound("realm user"),
            realm::Error::Conflict { attribute } => Self::Taken(attribute),
            realm::Error::Rejected { .. } => Self::Invalid(error.to_string()),
            realm::Error::RealmGone | realm::Error::Foreign | realm::Error::Refused | realm::Error::TooOld { .. } => {
                Self::Realm(error.to_string())
            }
            realm::Error::Contended | realm::Error::Unavailable | realm::Error::Ambiguous => Self::Unavailable,
        }
    }
}

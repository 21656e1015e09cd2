//! Answers: every exit is SCIM, errors above all.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use serde_json::Value;

/// What a request comes to.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub body: Option<Value>,
    pub etag: Option<String>,
    pub location: Option<String>,
    pub allow: Option<&'static str>,
    /// The body was packed: its sender, and nobody else, is told that none may be (RFC 9110 §12.5.3).
    pub packed: bool,
    pub retry_after: Option<u32>,
    /// The resource it is about.
    pub id: Option<uuid::Uuid>,
    /// The error it tells, for a bulk result.
    pub error: Option<scim::Error>,
}

impl Answer {
    pub fn json(status: u16, body: Value) -> Self {
        Self { body: Some(body), ..Self::empty(status) }
    }

    pub fn empty(status: u16) -> Self {
        Self {
            status,
            body: None,
            etag: None,
            location: None,
            allow: None,
            packed: false,
            retry_after: None,
            id: None,
            error: None,
        }
    }

    /// The realm or the database is away: never 401 or 404, on which identity providers give up (W7).
    pub fn unavailable() -> Self {
        let error = scim::Error::plain(503, "the service is not available right now; try again");
        Self { retry_after: Some(5), ..error.into() }
    }

    /// More than the tenant's rate.
    pub fn too_many(seconds: u32) -> Self {
        let error = scim::Error::plain(429, format!("too many requests; come again in {seconds} s"));
        Self { retry_after: Some(seconds), ..error.into() }
    }

    pub fn not_allowed(allow: &'static str) -> Self {
        let error = scim::Error::plain(405, format!("this endpoint takes {allow}"));
        Self { allow: Some(allow), ..error.into() }
    }

    /// A body that would have to be unpacked first (RFC 9110 §15.5.16).
    pub fn packed() -> Self {
        let error = scim::Error::plain(415, "send the body as it is, without a content coding");
        Self { packed: true, ..error.into() }
    }

    pub fn into_http(self, plain_json: bool) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        response.insert_header((CACHE_CONTROL, "no-store"));
        response.insert_header(("x-content-type-options", "nosniff"));
        if self.status == 401 {
            response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(etag) = self.etag {
            response.insert_header((ETAG, etag));
        }
        if let Some(location) = self.location {
            response.insert_header((LOCATION, location));
        }
        if let Some(allow) = self.allow {
            response.insert_header(("allow", allow));
        }
        if self.packed {
            response.insert_header((ACCEPT_ENCODING, "identity"));
        }
        if let Some(seconds) = self.retry_after {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        match self.body {
            None => response.finish(),
            Some(body) => {
                let media = if plain_json { "application/json" } else { "application/scim+json" };
                response.insert_header((CONTENT_TYPE, media));
                response.body(body.to_string())
            }
        }
    }
}

impl From<scim::Error> for Answer {
    fn from(error: scim::Error) -> Self {
        Self { error: Some(error.clone()), ..Self::json(error.status, error.to_json()) }
    }
}

impl From<directory::Error> for Answer {
    fn from(error: directory::Error) -> Self {
        match error {
            directory::Error::Taken(attribute) => scim::Error::taken(attribute).into(),
            directory::Error::Circle => {
                let detail = "a group cannot be a member of itself, through others too";
                scim::Error::bad(scim::ScimType::InvalidValue, detail).into()
            }
            directory::Error::Inconsistent(_) => {
                tracing::error!(name = "inbound.row_unreadable", %error, "a stored row does not parse");
                scim::Error::plain(500, "something went wrong on our side").into()
            }
            directory::Error::Unavailable(_) => {
                tracing::warn!(name = "inbound.database_failed", code = error.code(), "the database is not available");
                Self::unavailable()
            }
        }
    }
}

impl From<realm::Error> for Answer {
    fn from(error: realm::Error) -> Self {
        match error {
            realm::Error::Conflict { attribute } => scim::Error::taken(attribute).into(),
            realm::Error::Rejected { attribute, detail } => {
                let kind = match detail.as_str() {
                    "error-user-attribute-read-only" => scim::ScimType::Mutability,
                    _ => scim::ScimType::InvalidValue,
                };
                scim::Error::bad(kind, format!("{attribute} is refused by the realm: {detail}")).into()
            }
            // Whom the realm does not find is not gone by that (K14): triage decides, and then the directory says so.
            realm::Error::NotFound
            | realm::Error::RealmGone
            | realm::Error::Foreign
            | realm::Error::Refused
            | realm::Error::TooOld { .. }
            | realm::Error::Contended
            | realm::Error::Unavailable
            | realm::Error::Ambiguous => {
                tracing::warn!(name = "inbound.realm_failed", %error, "the realm did not do its part");
                Self::unavailable()
            }
        }
    }
}

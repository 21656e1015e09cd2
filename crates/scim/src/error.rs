//! SCIM errors (RFC 7644 §3.12).

use serde_json::{Value, json};

/// The `scimType` of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScimType {
    /// The filter does not parse, or names what is not there.
    InvalidFilter,
    /// Too many operations or results.
    TooMany,
    /// A value that is taken.
    Uniqueness,
    /// A readOnly or immutable attribute.
    Mutability,
    /// The body does not have the form of the request.
    InvalidSyntax,
    /// The path does not parse, or names what is not there.
    InvalidPath,
    /// A value path that matches nothing.
    NoTarget,
    /// A value that is missing or of the wrong type.
    InvalidValue,
    /// A version of the protocol that is not spoken here.
    InvalidVers,
    /// Personal data in a URL (RFC 7644 §7.5.2).
    Sensitive,
    /// A cursor that was not made here for this query (RFC 9865).
    InvalidCursor,
    /// A cursor that is too old.
    ExpiredCursor,
    /// Another count than at the beginning of the walk.
    InvalidCount,
}

impl ScimType {
    /// As on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

/// An error as a SCIM client sees it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {detail}")]
pub struct Error {
    /// The HTTP status.
    pub status: u16,
    /// The kind, where the RFC names one.
    pub scim_type: Option<ScimType>,
    /// Words for a person. Names attributes, never repeats values.
    pub detail: String,
}

impl Error {
    /// An error without a `scimType`.
    pub fn plain(status: u16, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into() }
    }

    /// A 400 of a kind.
    pub fn bad(scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self { status: 400, scim_type: Some(scim_type), detail: detail.into() }
    }

    /// A 409: the value of an attribute is taken.
    pub fn taken(attribute: &str) -> Self {
        let detail = format!("another resource has this {attribute}");
        Self { status: 409, scim_type: Some(ScimType::Uniqueness), detail }
    }

    /// A 403: what was sent must not stand in a URL (RFC 7644 §7.5.2).
    pub fn sensitive(detail: impl Into<String>) -> Self {
        Self { status: 403, scim_type: Some(ScimType::Sensitive), detail: detail.into() }
    }

    pub(crate) fn value(detail: impl Into<String>) -> Self {
        Self::bad(ScimType::InvalidValue, detail)
    }

    pub(crate) fn syntax(detail: impl Into<String>) -> Self {
        Self::bad(ScimType::InvalidSyntax, detail)
    }

    /// The body: `status` is a string (RFC 7644 §3.12).
    pub fn to_json(&self) -> Value {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status.to_string(),
        });
        if let Some(scim_type) = self.scim_type {
            body["scimType"] = scim_type.as_str().into();
        }
        body["detail"] = self.detail.clone().into();
        body
    }
}

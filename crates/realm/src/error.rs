//! What can go wrong with a realm, by what the caller can do about it.

/// Why a call to the realm failed. Texts name attributes, never values.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The realm says that there is no such user.
    #[error("the realm has no such user")]
    NotFound,
    /// The realm itself is disabled or gone: not an answer about a user.
    #[error("the realm is not there")]
    RealmGone,
    /// Another realm answers under its name (K29): recreated, or the route leads elsewhere.
    #[error("the realm is another one than it was")]
    Foreign,
    /// A unique value is taken.
    #[error("another user of the realm has this {attribute}")]
    Conflict {
        /// SCIM name of the attribute, `userName`, `emails` or `displayName`.
        attribute: &'static str,
    },
    /// Another write was in the way, and nothing was done. It does not say whose: who wants to know looks, or comes again.
    #[error("another write to the realm was in the way")]
    Contended,
    /// The realm refuses a value.
    #[error("the realm refuses {attribute}: {detail}")]
    Rejected {
        /// SCIM name of the attribute, as far as known.
        attribute: String,
        /// The realm's reason, a message key such as `error-invalid-length`.
        detail: String,
    },
    /// The realm refuses our credentials or lacks our roles.
    #[error("the realm refuses our credentials")]
    Refused,
    /// Its Keycloak is older than we can work with.
    #[error("Keycloak {version} is too old: 26.4 or newer is needed")]
    TooOld {
        /// What it says it is.
        version: String,
    },
    /// The realm does not answer, or certainly did nothing.
    #[error("the realm is not available")]
    Unavailable,
    /// A write whose fate is unknown: time-out, reset, 5xx (K5).
    #[error("the realm did not confirm the write")]
    Ambiguous,
}

impl Error {
    /// A name for metrics and traces.
    pub fn class(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::RealmGone => "realm_gone",
            Self::Foreign => "realm_foreign",
            Self::Conflict { .. } => "conflict",
            Self::Contended => "contended",
            Self::Rejected { .. } => "rejected",
            Self::Refused => "refused",
            Self::TooOld { .. } => "too_old",
            Self::Unavailable => "unavailable",
            Self::Ambiguous => "ambiguous",
        }
    }
}

//! What can go wrong in the registry, by what the caller can do about it.

/// Why a verb of the registry failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such row, or not of this tenant.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// A unique value is taken.
    #[error("{0} is taken")]
    Taken(&'static str),
    /// The direction is already on.
    #[error("already enabled")]
    AlreadyEnabled,
    /// The direction is off.
    #[error("not enabled")]
    NotEnabled,
    /// Somebody else changed the configuration first.
    #[error("the configuration has changed meanwhile")]
    Stale,
    /// A stored row does not parse: a fault of ours.
    #[error("a stored row does not parse: {0}")]
    Inconsistent(&'static str),
    /// The keyring cannot open or seal: a key is missing or the value was moved.
    #[error(transparent)]
    Seal(#[from] crate::seal::Fault),
    /// The database does not answer; try again later.
    #[error("the database is not available")]
    Unavailable(#[source] sea_orm::DbErr),
}

impl From<sea_orm::DbErr> for Error {
    /// Constraint names are part of the contract; SQLite names the columns instead.
    fn from(error: sea_orm::DbErr) -> Self {
        if matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_))) {
            let text = error.to_string();
            for (needle, what) in [
                ("tenant_slug_unique", "slug"),
                ("tenant.slug", "slug"),
                ("tenant_realm_unique", "realm"),
                ("tenant.realm", "realm"),
                ("tenant.cluster_id", "realm"),
                ("tenant_custom_domain_unique", "custom_domain"),
                ("tenant.custom_domain", "custom_domain"),
                ("cluster", "cluster"),
            ] {
                if text.contains(needle) {
                    return Self::Taken(what);
                }
            }
            if text.contains("inbound_token") || text.contains("target") {
                return Self::AlreadyEnabled;
            }
        }
        Self::Unavailable(error)
    }
}

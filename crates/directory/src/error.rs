//! What can go wrong in the directory, by what the caller can do about it.

/// Why a verb of the directory failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique value is taken: another user holds it.
    #[error("{0} is taken")]
    Taken(&'static str),
    /// A group would be a member of itself, through others perhaps.
    #[error("a group cannot be a member of itself")]
    Circle,
    /// A stored row does not parse: a fault of ours, not of the caller.
    #[error("a stored row does not parse: {0}")]
    Inconsistent(String),
    /// The database does not answer; try again later.
    #[error("the database is not available")]
    Unavailable(#[source] sea_orm::DbErr),
}

impl Error {
    /// What the database calls its refusal, such as `23505`; its words may hold values and are never told.
    pub fn code(&self) -> Option<String> {
        let Self::Unavailable(sea_orm::DbErr::Query(error) | sea_orm::DbErr::Exec(error)) = self else { return None };
        let sea_orm::RuntimeErr::SqlxError(error) = error else { return None };
        error.as_database_error().and_then(sea_orm::sqlx::error::DatabaseError::code).map(std::borrow::Cow::into_owned)
    }
}

impl From<sea_orm::DbErr> for Error {
    /// Constraint names are part of the contract: a broken one says which value was taken. SQLite names columns.
    fn from(error: sea_orm::DbErr) -> Self {
        let text = error.to_string();
        let unique = matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_)));
        if unique {
            for (needle, what) in [
                ("username_unique", "userName"),
                ("username_key", "userName"),
                ("reservation_pk", "userName"),
                ("external_unique", "externalId"),
                ("external_key", "externalId"),
                ("display", "displayName"),
                ("realm_person_username", "username"),
                ("realm_person.username", "username"),
                ("realm_person_email", "email"),
                ("realm_person.email", "email"),
            ] {
                if text.contains(needle) {
                    return Self::Taken(what);
                }
            }
        }
        Self::Unavailable(error)
    }
}

impl From<registry::Error> for Error {
    fn from(error: registry::Error) -> Self {
        Self::Unavailable(sea_orm::DbErr::Custom(error.to_string()))
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        // Its words quote the value that has the wrong type, which may be a person's: only the place is told.
        Self::Inconsistent(format!("{:?} at {}:{}", error.classify(), error.line(), error.column()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_document_that_does_not_parse_is_not_quoted() -> Result<(), &'static str> {
        let Err(fault) = serde_json::from_str::<u8>("\"Ada Lovelace\"") else { return Err("a name is no number") };
        assert!(fault.to_string().contains("Ada"), "what would be told: {fault}");
        let told = Error::from(fault);
        assert!(!format!("{told} {told:?}").contains("Ada"), "{told}");
        Ok(())
    }
}

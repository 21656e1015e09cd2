//! The directory: SCIM users and groups as documents with indexed columns, the outbound ledger, the links to the
//! downstream, what capture remembers of a realm, and activity.
//!
//! Managed users only live here; the ledger knows everybody in the realm. Every key begins with the tenant (K30), and
//! no transaction spans an await on anything but the database (K31). K-numbers are the rules of the consistency
//! protocol, see `docs/architecture.md`.

pub mod activity;
pub mod ahead;
pub mod backfill;
pub mod condition;
pub mod contact;
pub mod departure;
pub mod erase;
pub mod error;
pub mod group;
pub mod held;
pub mod lease;
pub mod ledger;
pub mod link;
pub mod look;
pub mod member;
pub mod order;
pub mod parked;
pub mod person;
pub mod pushed_member;
pub mod refresh;
pub mod refused;
pub mod reservation;
pub mod resource;
pub mod setting;
mod sql;
pub mod trail;
pub mod user;
pub mod watch;
pub mod writing;

pub use condition::Condition;
pub use error::Error;
pub use order::Order;

/// Ends a transaction: commits what went well, rolls back what did not. Never left to `Drop`, which would panic where the
/// connection is gone.
pub async fn finish<T, E: From<Error>>(
    transaction: sea_orm::DatabaseTransaction,
    outcome: Result<T, E>,
) -> Result<T, E> {
    let ended = match &outcome {
        Ok(_) => transaction.commit().await,
        Err(_) => transaction.rollback().await,
    };
    ended.map_err(Error::from)?;
    outcome
}

/// Ends a transaction whose work may have come to nothing: only what `keeps` says is committed.
pub(crate) async fn finish_if<T>(
    transaction: sea_orm::DatabaseTransaction,
    outcome: Result<T, Error>,
    keeps: impl Fn(&T) -> bool,
) -> Result<T, Error> {
    match &outcome {
        Ok(value) if keeps(value) => transaction.commit().await?,
        _ => transaction.rollback().await?,
    }
    outcome
}

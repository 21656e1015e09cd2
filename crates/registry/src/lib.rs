//! The registry: clusters, tenants, inbound tokens, outbound targets, audit. Owns the database connection.
//!
//! SQL is written by hand, lower-case, with `$1` placeholders, which PostgreSQL and SQLite both take through sqlx.
//! Times are microseconds since the epoch. What is secret is a hash or sealed; neither prints.

pub mod audit;
pub mod cluster;
pub mod credential;
mod db;
mod error;
mod id;
pub mod inbound_token;
pub mod option;
pub mod provisioner;
pub mod quarantine;
pub mod seal;
pub mod sealed;
pub mod target;
pub mod target_option;
pub mod tenant;
mod token;

pub use db::{Db, DbOptions};
pub use error::Error;
pub use id::{ClusterId, TargetId, TenantId};
pub use token::{BearerToken, TokenHash, TokenShape};

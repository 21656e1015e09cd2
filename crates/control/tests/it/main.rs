//! What the control API does, without serving it, on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

mod inbound;
mod realms;
mod removal;
mod secrets;

//! The registry on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

mod pools;
mod sealing;
mod targets;
mod tenants;
mod tokens;

//! The built program, from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

mod embedded;
mod generated;
mod layers;
mod scim;
mod settings;

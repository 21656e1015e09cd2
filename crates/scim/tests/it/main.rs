//! The engine from outside.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here")]
#![expect(clippy::needless_pass_by_value, reason = "literals of JSON read better without a reference")]

mod support;

mod bulk;
mod cases_groups;
mod cases_lifecycle;
mod cases_patch;
mod cases_queries;
mod cursors;
mod custom;
mod discovery;
mod documents;
mod filters;
mod fuzz;
mod hostile;
mod members;
mod naive;
mod oracle;
mod parts;
mod properties;
mod query;
mod rfc;
mod sorting;
mod spelling;
mod table;
mod validator;

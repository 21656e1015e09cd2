//! The built program, from outside.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails here")]

mod backfills;
mod console;
mod demo;
mod embedded;
mod generated;
mod layers;
mod log_lines;
mod mapped;
mod metrics_page;
mod odd_apps;
mod outbound_groups;
mod outbound_refusals;
mod pages;
mod scim;
mod settings;
mod transcripts;

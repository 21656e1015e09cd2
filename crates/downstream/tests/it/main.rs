//! The guarded connector against addresses nobody may dial. Canaries count whoever comes near.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

mod addresses;
mod probes;
mod redirects;
mod support;

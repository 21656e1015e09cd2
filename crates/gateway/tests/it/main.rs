//! The gateway in one process with its tests.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here")]

mod exits;
mod people;
mod renames;
mod roots;
mod served;
mod skipped;
mod statements;
